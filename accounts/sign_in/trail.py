"""What people change about their own sign-in goes into the audit trail: allauth does it, and tells by signals."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.socialaccount import signals as social
from django.dispatch import Signal

from accounts.sso.apps import find
from gitslice.common.audit import record

ACTIONS: tuple[tuple[Signal, str], ...] = (
    (account.password_set, "user.password_set"),
    (account.password_changed, "user.password_change"),
    (account.password_reset, "user.password_reset"),
    (account.email_added, "user.email_add"),
    (account.email_removed, "user.email_remove"),
    (account.email_changed, "user.email_change"),
    (mfa.authenticator_added, "user.second_factor_add"),
    (mfa.authenticator_removed, "user.second_factor_remove"),
    (mfa.authenticator_reset, "user.second_factor_reset"),
    (mfa.authentication_failed, "user.second_factor_failed"),
)


def connect() -> None:
    for signal, action in ACTIONS:
        signal.connect(_recorder(action), weak=False, dispatch_uid=f"trail:{action}")
    account.email_confirmed.connect(_email_verified, dispatch_uid="trail:email")
    social.social_account_added.connect(_linked, dispatch_uid="trail:linked")
    social.social_account_removed.connect(_unlinked, dispatch_uid="trail:unlinked")


def _recorder(action: str) -> Any:
    def receive(
        sender: Any, user: Any, authenticator: Any = None, email_address: Any = None, **kwargs: Any
    ) -> None:
        detail = {"type": authenticator.type} if authenticator else {}
        detail |= {"email": email_address.email} if email_address else {}
        record(organization=None, actor=user, action=action, object=user.username, detail=detail)

    return receive


def _email_verified(sender: Any, email_address: Any, **kwargs: Any) -> None:
    user = email_address.user
    record(
        organization=None, actor=user, action="user.email_verify", object=user.username,
        detail={"email": email_address.email},
    )  # fmt: skip


def _linked(sender: Any, sociallogin: Any, **kwargs: Any) -> None:
    _record_link("sso.link", sociallogin.account)


def _unlinked(sender: Any, socialaccount: Any, **kwargs: Any) -> None:
    _record_link("sso.unlink", socialaccount)


def _record_link(action: str, link: Any) -> None:
    provider = find(link.provider)
    record(
        organization=provider.organization if provider else None,
        actor=link.user, action=action, object=link.user.username, detail={"subject": link.uid},
    )  # fmt: skip
