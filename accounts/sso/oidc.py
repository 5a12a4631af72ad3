"""OpenID Connect, stricter than allauth's: the ID token is always there, its signature is always checked, and it carries
the nonce of the request that it answers (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

import secrets
from typing import Any

import jwt
import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest, HttpResponse

from accounts.sso.errors import ProviderUnusable

SIGNED_WITH = {
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
}  # fmt: skip  # never "none", and nothing that a secret signs

ALWAYS = {"sub", "iat", "exp"}  # beside the issuer and the audience, which the library asks for


class OidcAdapter(OpenIDConnectOAuth2Adapter):
    id_token = ""

    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any
    ) -> SocialLogin:
        self.id_token = kwargs["response"].get("id_token") or ""
        if not self.id_token:
            raise OAuth2Error("there is no ID token")
        app.settings["fetch_userinfo"] = "userinfo_endpoint" in self.openid_config
        login = super().complete_login(request, app, token, **kwargs)
        data = login.account.extra_data
        if data.get("userinfo", data["id_token"]).get("sub") != data["id_token"]["sub"]:
            raise OAuth2Error("the ID token and the user information speak of different people")
        return login

    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        if jwt.get_unverified_header(id_token).get("alg") not in SIGNED_WITH:
            raise OAuth2Error("the ID token is not signed as it should be")
        claims: dict[str, Any] = jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=self.openid_config["jwks_uri"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )
        _check_claims(claims, app.client_id)
        return claims


def _check_claims(claims: dict[str, Any], client_id: str) -> None:
    """What the library lets pass: a token without an end, and one that was made for somebody else too."""
    missing = ALWAYS - claims.keys()
    if missing:
        raise OAuth2Error(f"the ID token has no {sorted(missing)[0]}")
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if set(audiences) != {client_id} or claims.get("azp", client_id) != client_id:
        raise OAuth2Error("the ID token was made for somebody else too")


class OidcProvider(OpenIDConnectProvider):
    oauth2_adapter_class = OidcAdapter

    def serialize(self) -> dict[str, Any]:
        """Found again by our key: client IDs are the providers' own, and may be the same at two."""
        return super().serialize() | {"app.client_id": self.app.provider_id}

    def redirect(self, request: HttpRequest, process: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """To the provider; the nonce stays with the state in the session."""
        nonce = secrets.token_urlsafe(24)
        return super().redirect(request, process, *args, auth_params={"nonce": nonce}, nonce=nonce, **kwargs)


def discover(issuer: str) -> dict[str, Any]:
    """What the provider says of itself. Raises ProviderUnusable."""
    try:
        with get_adapter().get_requests_session() as session:
            answer = session.get(f"{issuer}/.well-known/openid-configuration")
            answer.raise_for_status()
            said = answer.json()
    except (requests.RequestException, ValueError):
        raise ProviderUnusable(f"{issuer} does not answer as an OpenID Connect provider") from None
    if not isinstance(said, dict) or said.get("issuer", "").rstrip("/") != issuer:
        raise ProviderUnusable(f"{issuer} calls itself something else")
    missing = {"authorization_endpoint", "token_endpoint", "jwks_uri"} - said.keys()
    if missing:
        raise ProviderUnusable(f"the provider names no {' and no '.join(sorted(missing))}")
    return said
