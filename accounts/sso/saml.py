"""SAML 2.0, stricter than allauth's: an assertion answers the request that this browser made, itself says so under its
signature, and is taken once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from allauth.socialaccount.providers.saml.utils import build_auth
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from accounts.sso.errors import ProviderUnusable, SignInRefused
from accounts.sso.models import IdentityProvider
from gitslice.common.secrets import unseal

NAMESPACE = {"saml": "urn:oasis:names:tc:SAML:2.0:assertion"}
RELAY_STATE = "gitslice"  # an empty one is signed by some and left out by others, and then no signature fits
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
REMEMBERED = 24 * 3600  # seconds for which an assertion stays used: longer than any is valid
LIFE = timedelta(days=3650)  # of our own certificate


class SamlProvider(SAMLProvider):
    """`left` is what signing out at the provider takes."""

    left: dict[str, Any]

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any
    ) -> HttpResponse:
        """To the provider, with a signed request; its id finds the state again."""
        auth = build_auth(request, self)
        url = auth.login(return_to=RELAY_STATE)
        request_id = auth.get_last_request_id()
        self.stash_redirect_state(request, process, next_url, data, state_id=request_id, **kwargs)
        return HttpResponseRedirect(url)

    def sociallogin_from_response(self, request: HttpRequest, response: OneLogin_Saml2_Auth) -> SocialLogin:
        _check_answers(response)
        _use_once(self.app.provider_id, response)
        if response.get_nameid_format() == TRANSIENT and not self._extract(response).get("uid"):
            raise SignInRefused("the identity provider gives people another name each time")
        self.left = {
            "name_id": response.get_nameid(),
            "format": response.get_nameid_format(),
            "session": response.get_session_index(),
        }
        return super().sociallogin_from_response(request, response)


def _check_answers(response: OneLogin_Saml2_Auth) -> None:
    """The library compares both only where the signed assertion names a request at all; one that an attacker kept from
    an unasked sign-in names none, and could be put into an answer to the attacker's own request."""
    wanted = response.get_last_response_in_response_to()
    named = _document(response).xpath("//saml:SubjectConfirmationData/@InResponseTo", namespaces=NAMESPACE)
    if not wanted or not named or set(named) != {wanted}:
        raise SignInRefused("the assertion answers no request of this browser")


def _use_once(key: str, response: OneLogin_Saml2_Auth) -> None:
    if not cache.add(f"sso:assertion:{key}:{response.get_last_assertion_id()}", True, REMEMBERED):
        raise SignInRefused("the assertion was used before")


def named_in_logout(encoded: str, provider: IdentityProvider) -> str:
    """Whom a LogoutRequest, as it comes in an address, is about. Nothing of it is verified."""
    xml = OneLogin_Saml2_Utils.decode_base64_and_inflate(encoded, ignore_zip=True)
    name: str = OneLogin_Saml2_Logout_Request.get_nameid(xml, unseal(provider.own_key))
    return name


def _document(response: OneLogin_Saml2_Auth) -> Any:
    return OneLogin_Saml2_XML.to_etree(response.get_last_response_xml())


def read_metadata(url: str) -> dict[str, str]:
    """Entity id, addresses and certificate that a provider publishes. Raises ProviderUnusable."""
    try:
        with get_adapter().get_requests_session() as session:
            answer = session.get(url)
            answer.raise_for_status()
            said = OneLogin_Saml2_IdPMetadataParser.parse(answer.content).get("idp", {})
    except Exception:
        raise ProviderUnusable(f"{url} does not answer with SAML metadata") from None
    certificates = said.get("x509certMulti", {}).get("signing") or [said.get("x509cert", "")]
    return {
        "issuer": said.get("entityId", ""),
        "sso_url": said.get("singleSignOnService", {}).get("url", ""),
        "slo_url": said.get("singleLogoutService", {}).get("url", ""),
        "certificate": certificates[0],
    }


def check_certificate(text: str) -> str:
    """The certificate as PEM. Raises ProviderUnusable."""
    pem = OneLogin_Saml2_Utils.format_cert(text.strip())
    try:
        x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise ProviderUnusable("that is no certificate in PEM or Base64") from None
    return pem


def new_signing_key(name: str) -> tuple[str, str]:
    """A private key and its certificate, PEM: what we sign requests with."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"GitSlice {name}"[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFE)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()
