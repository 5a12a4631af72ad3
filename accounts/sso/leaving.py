"""Signing out at the identity provider too, for who came in through it."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlencode

import requests
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.saml.utils import build_auth
from django.http import HttpRequest
from onelogin.saml2.errors import OneLogin_Saml2_Error

from accounts.sso.apps import app_of, find, way_to
from accounts.sso.errors import ProviderUnusable, SignInRefused
from accounts.sso.models import IdentityProvider
from accounts.sso.oidc import discover
from accounts.sso.saml import RELAY_STATE, named_in_logout

KEPT = "sso"  # in the session

log = logging.getLogger(__name__)


def remember_provider(request: HttpRequest, login: SocialLogin) -> None:
    request.session[KEPT] = {"key": login.account.provider, "left": login.state.get("left") or {}}


def check_names_this_session(request: HttpRequest, provider: IdentityProvider) -> None:
    """A provider ends the session that it began, for the person whom it names, and no other. What it says is not yet
    verified here. Raises SignInRefused."""
    if not request.user.is_authenticated:
        return
    kept = request.session.get(KEPT) or {"key": "", "left": {}}
    name = named_in_logout(request.GET["SAMLRequest"], provider)
    if kept["key"] != provider.key or not name or name != kept["left"].get("name_id"):
        raise SignInRefused("the request is not about this session")


def way_out(request: HttpRequest, home: str) -> tuple[str, IdentityProvider] | None:
    """Where at the identity provider the session ends, which then leads to `home`; None where there is no such place.
    To be asked before the session here ends."""
    kept = request.session.get(KEPT)
    provider = find(kept["key"]) if kept else None
    if kept is None or provider is None:
        return None
    saml = provider.protocol == IdentityProvider.Protocol.SAML
    try:
        url = _saml_url(request, provider, kept["left"]) if saml else _oidc_url(provider, kept["left"], home)
    except (ProviderUnusable, OneLogin_Saml2_Error, requests.RequestException) as error:
        log.warning("no sign-out at the identity provider of %s: %s", provider.organization, error)
        return None
    return (url, provider) if url else None


def _oidc_url(provider: IdentityProvider, left: dict[str, Any], home: str) -> str | None:
    """OpenID Connect RP-Initiated Logout 1.0."""
    end = discover(provider.issuer).get("end_session_endpoint")
    if not isinstance(end, str) or not end.startswith(("https://", "http://")):
        return None
    query = {
        "client_id": provider.client_id,
        "post_logout_redirect_uri": home,
        "id_token_hint": left.get("id_token", ""),
    }
    return (
        f"{end}{'&' if '?' in end else '?'}{urlencode({name: text for name, text in query.items() if text})}"
    )


def _saml_url(request: HttpRequest, provider: IdentityProvider, left: dict[str, Any]) -> str | None:
    """A signed LogoutRequest by HTTP-Redirect; the answer comes to our `sls` address."""
    if not provider.slo_url:
        return None
    auth = build_auth(request, way_to(request, app_of(provider)))
    return auth.logout(
        return_to=RELAY_STATE,
        name_id=left.get("name_id"),
        session_index=left.get("session"),
        name_id_format=left.get("format"),
    )
