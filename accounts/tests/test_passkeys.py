"""Passkeys, with an authenticator in software (WebAuthn level 2) in the place of the browser's."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from fido2 import cbor
from fido2.cose import ES256

from accounts import services
from accounts.tests.test_sign_in import PASSWORD, confirm, sign_in, who

pytestmark = pytest.mark.django_db

ORIGIN, HOST = "https://testserver", b"testserver"
PRESENT_VERIFIED, WITH_KEY = 0b101, 0b1000000
FACTOR = "/account/second-factor/webauthn"


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Authenticating:
    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        self.user = ""
        self.uses = 0

    def create(self, options: dict[str, Any], origin: str = ORIGIN) -> str:
        self.user = options["user"]["id"]
        said = self._client_data("webauthn.create", options["challenge"], origin)
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._facts(WITH_KEY) + credential}
        return self._answer({"clientDataJSON": said, "attestationObject": cbor.encode(attestation)})

    def get(self, options: dict[str, Any], origin: str = ORIGIN) -> str:
        said = self._client_data("webauthn.get", options["challenge"], origin)
        facts = self._facts(0)
        signature = self.key.sign(facts + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        answer = {"clientDataJSON": said, "authenticatorData": facts, "signature": signature}
        return self._answer(answer, userHandle=self.user)

    def _facts(self, flags: int) -> bytes:
        self.uses += 1
        return (
            hashlib.sha256(HOST).digest() + bytes([PRESENT_VERIFIED | flags]) + self.uses.to_bytes(4, "big")
        )

    def _client_data(self, kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin}).encode()

    def _answer(self, response: dict[str, bytes], **more: str) -> str:
        encoded = {name: text(data) for name, data in response.items()} | more
        return json.dumps(
            {
                "id": text(self.id),
                "rawId": text(self.id),
                "type": "public-key",
                "response": encoded,
                "clientExtensionResults": {"credProps": {"rk": True}},
            }
        )


@pytest.fixture
def ann():
    return services.create_user(username="ann", email="ann@acme.example", password=PASSWORD)


@pytest.fixture
def passkey(ann) -> Authenticating:
    """Ann's, added on the page for it."""
    client = Client()
    sign_in(client)
    confirm(client)
    html = client.get(f"{FACTOR}/add/").content.decode()
    data = json.loads(re.search(r'id="js_data"[^>]*>(.*?)</script>', html)[1])
    passkey = Authenticating()
    credential = passkey.create(data["creation_options"]["publicKey"])
    client.post(f"{FACTOR}/add/", {"name": "Laptop", "passwordless": "on", "credential": credential})
    assert Authenticator.objects.get(type="webauthn").user == ann
    return passkey


def options(client: Client) -> dict[str, Any]:
    return client.get(f"{FACTOR}/login/", headers={"X-Requested-With": "XMLHttpRequest"}).json()[
        "request_options"
    ]["publicKey"]


def test_a_passkey_signs_in_without_a_password(passkey):
    client = Client()
    client.post(f"{FACTOR}/login/", {"credential": passkey.get(options(client))})
    assert who(client) == "ann"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://testserver", "https://testserver.evil.example"]
)
def test_a_passkey_that_another_site_asked_for_does_not(passkey, origin):
    client = Client()
    client.post(f"{FACTOR}/login/", {"credential": passkey.get(options(client), origin)})
    assert who(client) == ""


def test_nor_does_another_key_or_an_old_answer(passkey):
    client = Client()
    answer = passkey.get(options(client))
    client.post(f"{FACTOR}/login/", {"credential": answer})
    other = Client()
    options(other)
    other.post(f"{FACTOR}/login/", {"credential": answer})
    assert who(other) == ""
    passkey.key = ec.generate_private_key(ec.SECP256R1())
    other.post(f"{FACTOR}/login/", {"credential": passkey.get(options(other))})
    assert who(other) == ""


def test_a_password_alone_no_longer_does(passkey):
    client = Client()
    sign_in(client)
    assert who(client) == ""
    html = client.get("/account/second-factor/authenticate/").content.decode()
    data = json.loads(re.search(r'id="js_data"[^>]*>(.*?)</script>', html)[1])
    credential = passkey.get(data["request_options"]["publicKey"])
    client.post("/account/second-factor/authenticate/", {"credential": credential})
    assert who(client) == "ann"
