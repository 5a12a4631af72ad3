"""Identity providers as what allauth works with: an app of a provider class, made from our row, stored nowhere else."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.models import SocialApp
from django.http import HttpRequest

from accounts.sso.models import KEY, IdentityProvider
from accounts.sso.oidc import OidcProvider
from accounts.sso.saml import SamlProvider
from gitslice.common.secrets import unseal

MAIL = (
    "email",
    "mail",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
)
ATTRIBUTES = {
    "uid": ["urn:oasis:names:tc:SAML:attribute:subject-id"],
    "email": list(MAIL),
    "first_name": [
        "givenName",
        "urn:oid:2.5.4.42",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
    ],
    "last_name": ["sn", "urn:oid:2.5.4.4", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname"],
    "username": ["username", "uid", "urn:oid:0.9.2342.19200300.100.1.1"],
}


def app_of(provider: IdentityProvider) -> SocialApp:
    """Unsaved."""
    saml = provider.protocol == IdentityProvider.Protocol.SAML
    return SocialApp(
        provider=SamlProvider.id if saml else OidcProvider.id,
        provider_id=provider.key,
        name=provider.organization.name or provider.organization.slug,
        client_id=provider.key if saml else provider.client_id,
        secret=unseal(provider.client_secret) if provider.client_secret else "",
        settings=_saml(provider) if saml else _oidc(provider),
    )


def way_to(request: HttpRequest, app: SocialApp) -> SamlProvider | OidcProvider:
    """What speaks the protocol of the app."""
    speaker: type[SamlProvider | OidcProvider] = (
        SamlProvider if app.provider == SamlProvider.id else OidcProvider
    )
    return speaker(request, app=app)


def find(key: str) -> IdentityProvider | None:
    number = key.removeprefix(KEY)
    if number == key or not (number.isascii() and number.isdecimal() and len(number) < 19):
        return None
    return IdentityProvider.objects.select_related("organization").filter(organization=int(number)).first()


def _oidc(provider: IdentityProvider) -> dict[str, Any]:
    return {"server_url": provider.issuer, "oauth_pkce_enabled": True}


def _saml(provider: IdentityProvider) -> dict[str, Any]:
    return {
        "attribute_mapping": ATTRIBUTES,
        "idp": {
            "entity_id": provider.issuer,
            "sso_url": provider.sso_url,
            "slo_url": provider.slo_url,
            "x509cert": provider.certificate,
        },
        "advanced": {
            "allow_single_label_domains": True,  # names inside a company
            "authn_request_signed": True,
            "logout_request_signed": True,
            "logout_response_signed": True,
            "metadata_signed": True,
            "private_key": unseal(provider.own_key),
            "reject_deprecated_algorithm": True,
            "reject_idp_initiated_sso": True,
            "want_assertion_signed": True,
            "want_attribute_statement": False,
            "want_name_id": True,
            "x509cert": provider.own_certificate,
        },
    }
