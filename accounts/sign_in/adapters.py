"""Where allauth asks what holds here."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import User
from accounts.sso.enforcement import refused_by
from accounts.sso.leaving import remember_provider
from gitslice.common.audit import record
from gitslice.common.secrets import seal, unseal


class AccountAdapter(DefaultAccountAdapter):
    """An invitation opens sign-up for one address: it calls `stash_verified_email`, as allauth's documentation has it."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.GITSLICE_OPEN_SIGN_UP or bool(_invited(request))

    def clean_email(self, email: str) -> str:
        invited = _invited(self.request)
        if invited and not settings.GITSLICE_OPEN_SIGN_UP and email.lower() != invited.lower():
            raise self.validation_error("other_address")
        return super().clean_email(email)

    error_messages = DefaultAccountAdapter.error_messages | {
        "other_address": "The invitation is for another address."
    }

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        user = super().save_user(request, user, form, commit)
        if commit:
            record(organization=None, actor=user, action="user.create", object=user.username)
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        name = credentials.get("username") or credentials.get("email") or ""
        record(organization=None, actor=None, action="user.sign_in_failed", object=name)

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """A page instead of the sign-in, for who may not come in this way."""
        response = super().pre_login(request, user, **kwargs)
        if response is not None:
            record(
                organization=None, actor=user, action="user.sign_in_refused", object=user.username,
                detail={"reason": "deactivated"},
            )  # fmt: skip
            return response
        sso = (kwargs["signal_kwargs"] or {}).get("sociallogin")
        organization = refused_by(user, sso.account.provider if sso else None)
        if organization is not None:
            record(
                organization=organization, actor=user, action="user.sign_in_refused", object=user.username,
                detail={"reason": "single sign-on is required"},
            )  # fmt: skip
            return render(request, "accounts/sso/required.html", {"organization": organization}, status=403)
        if sso is None and (address := _address_to_verify(user)):
            send_verification_email_to_address(request, address, signup=kwargs["signup"])
            return self.respond_email_verification_sent(request, user)  # type: ignore[return-value]
        return None

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        sso = (kwargs["signal_kwargs"] or {}).get("sociallogin")
        if sso:
            remember_provider(request, sso)
        record(
            organization=None, actor=user, action="user.sign_in", object=user.username,
            detail={"by": _methods(request)},
        )  # fmt: skip
        return super().post_login(request, user, **kwargs)

    def logout(self, request: HttpRequest) -> None:
        if isinstance(request.user, User):
            record(
                organization=None, actor=request.user, action="user.sign_out", object=request.user.username
            )
        super().logout(request)


class MfaAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)


def _invited(request: HttpRequest) -> str:
    return request.session.get("account_verified_email") or ""


def _address_to_verify(user: User) -> EmailAddress | None:
    """Of who made their account themselves and has not signed in yet; others' addresses come from an administrator."""
    if user.last_login is not None:
        return None
    if EmailAddress.objects.filter(user=user, verified=True).exists():
        return None
    return EmailAddress.objects.filter(
        user=user, primary=True
    ).first()  # which sign-up makes, and nothing else


def _methods(request: HttpRequest) -> list[str]:
    """`password`, `mfa`, `socialaccount`: what was shown in this session."""
    return [entry["method"] for entry in request.session.get("account_authentication_methods", [])]
