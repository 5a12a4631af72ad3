"""What an identity provider says of a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allauth.socialaccount.models import SocialLogin

from accounts.sso.models import IdentityProvider

MOST_GROUPS = 1000


@dataclass(frozen=True)
class Identity:
    subject: str
    email: str
    email_denied: bool  # the provider itself says that the address is not verified
    groups: frozenset[str]


def identity_of(provider: IdentityProvider, login: SocialLogin) -> Identity:
    said = login.account.extra_data
    facts = said.get("id_token", {}) | said.get("userinfo", {}) if _is_oidc(provider) else said
    user = login.user
    return Identity(
        subject=login.account.uid,
        email=(user.email if user and user.pk is None else "") or _told_address(login),
        email_denied=_is_oidc(provider) and facts.get("email_verified") is False,
        groups=frozenset(_names(facts.get(provider.groups_claim))),
    )


def nonce_of(login: SocialLogin) -> str | None:
    return login.account.extra_data.get("id_token", {}).get("nonce")


def _told_address(login: SocialLogin) -> str:
    return login.email_addresses[0].email if login.email_addresses else ""


def _names(value: Any) -> list[str]:
    """Groups come as a list, or as one name alone."""
    values = value if isinstance(value, list) else [value]
    return [name for name in values[:MOST_GROUPS] if isinstance(name, str) and name]


def _is_oidc(provider: IdentityProvider) -> bool:
    return provider.protocol == IdentityProvider.Protocol.OIDC
