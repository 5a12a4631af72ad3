"""ID tokens that somebody forged, or that were made for somebody else, sign nobody in: OpenID Connect Core 3.1.3.7."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from accounts.models import AuditEvent, User
from tests.sso.browser import Browser
from tests.sso.providers.forging import CLIENT, KEY_ID, SECRET, Claims, ForgingProvider, forging, new_key
from tests.world import World


@pytest.fixture(scope="module")
def _provider() -> Iterator[ForgingProvider]:
    with forging() as provider:
        yield provider


@pytest.fixture
def provider(world: World, owner: Browser, _provider: ForgingProvider) -> ForgingProvider:
    """Configured, tested and switched on."""
    _provider.tell("boss")
    owner.get("/acme/sign-in/").submit(
        "client_id", issuer=_provider.url, client_id=CLIENT, client_secret=SECRET
    )
    owner.get("/sso/to/acme/?process=test")
    assert "The test passed. Subject boss" in owner.text
    owner.submit("/acme/sign-in/switch/", active="on")
    _provider.tell("ann")
    return _provider


def come_in(home: str) -> Browser:
    return Browser(home).get("/sso/to/acme/")


def signed_by_hand(claims: Claims, algorithm: str, secret: bytes) -> str:
    """A token that libraries refuse to make: HMAC with whatever the secret is."""
    header = {"alg": algorithm, "typ": "JWT", "kid": KEY_ID}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signature = hmac.digest(secret, b".".join(parts), hashlib.sha256) if secret else b""
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def pem(provider: ForgingProvider) -> bytes:
    return provider.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def claiming(**wrong: Any) -> Callable[[ForgingProvider, Claims], str]:
    """Signed as it should be; a claim that is None is left out."""

    def sign(provider: ForgingProvider, claims: Claims) -> str:
        said = {name: value for name, value in (claims | wrong).items() if value is not None}
        return provider.honest(said)

    return sign


FORGERIES: dict[str, Callable[[ForgingProvider, Claims], str | None]] = {
    "by another key": lambda provider, claims: jwt.encode(
        claims, new_key(), "RS256", headers={"kid": KEY_ID}
    ),
    "by an unknown key": lambda provider, claims: provider.honest(claims, kid="another"),
    "by a key that it brings": lambda provider, claims: provider.honest(
        claims, kid="own", jwk=jwt.algorithms.RSAAlgorithm.to_jwk(new_key().public_key(), as_dict=True)
    ),
    "by nobody": lambda provider, claims: signed_by_hand(claims, "none", b""),
    "by Nobody": lambda provider, claims: signed_by_hand(claims, "None", b""),
    "by the client's secret": lambda provider, claims: signed_by_hand(claims, "HS256", SECRET.encode()),
    "by the public key as a secret": lambda provider, claims: signed_by_hand(claims, "HS256", pem(provider)),
    "changed afterwards": lambda provider, claims: ".".join(
        [
            *provider.honest(claims | {"sub": "eve"}).split(".")[:2],
            provider.honest(claims).rpartition(".")[2],
        ]
    ),
    "no token": lambda provider, claims: None,
    "nonsense": lambda provider, claims: "nonsense",
    "for another client": claiming(aud="another"),
    "for another client too": claiming(aud=[CLIENT, "another"]),
    "for another party": claiming(azp="another"),
    "for nobody": claiming(aud=None),
    "of another issuer": claiming(iss="https://issuer.example"),
    "of no issuer": claiming(iss=None),
    "expired": claiming(exp=int(time.time()) - 60),
    "without an end": claiming(exp=None),
    "of no time": claiming(iat=None),
    "not valid yet": claiming(nbf=int(time.time()) + 3600),
    "with another nonce": claiming(nonce="another"),
    "without a nonce": claiming(nonce=None),
    "of nobody": claiming(sub=None),
    "of somebody else": claiming(sub="boss"),
}


def test_an_honest_token_signs_in(provider, home):
    assert come_in(home).user == "ann"


def test_forged_tokens_are_refused(provider, home, subtests):
    for number, (forgery, sign) in enumerate(FORGERIES.items(), start=1):
        with subtests.test(forgery):
            provider.sign = partial(sign, provider)
            browser = come_in(home)
            assert (browser.status, browser.user) == (403, "")
            assert "That sign-in was refused" in browser.text
        assert AuditEvent.objects.filter(action="sso.refuse", organization__slug="acme").count() == number
    assert not User.objects.filter(email="ann@acme.example").exists()


def test_an_answer_about_somebody_else_signs_nobody_in(provider, home):
    """The ID token is honest; the user information is another's."""
    provider.sign = lambda claims: provider.honest(claims | {"sub": "eve"})
    browser = come_in(home)
    assert (browser.status, browser.user) == (403, "")
    reasons = AuditEvent.objects.filter(action="sso.refuse").values_list("detail__reason", flat=True)
    assert "speak of different people" in reasons[0]


def test_a_token_is_taken_once(provider, home):
    """One that names itself (`jti`), brought again to another request with the nonce of that."""
    provider.sign = lambda claims: provider.honest(claims | {"jti": "one"})
    assert come_in(home).user == "ann"
    assert come_in(home).user == ""
