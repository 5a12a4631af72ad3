"""Where allauth asks what holds here."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

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
from accounts.trail.sign_ins import write_sign_in
from gitslice.common.audit import record
from gitslice.common.secrets import seal, unseal

MISMATCH = "The user name or the password is not correct."  # whichever it was
LINKS = ("activate_url", "password_reset_url", "signup_url")  # in allauth's mails


class AccountAdapter(DefaultAccountAdapter):
    """Accounts come by invitation (accounts/people/invitations.py) or a directory; who may make one here is a setting."""

    error_messages = DefaultAccountAdapter.error_messages | dict.fromkeys(
        ("username_password_mismatch", "email_password_mismatch"),
        MISMATCH,
    )

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.GITSLICE_OPEN_SIGN_UP

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Attempts are counted in accounts/rate_limits.py, on whatever page."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Links in it lead to the public address: who asks for a mail to somebody else names any host they like."""
        home = settings.GITSLICE_PUBLIC_URL.rstrip("/")
        links = {name: home + urlsplit(context[name]).path for name in LINKS if name in context}
        site = {"name": "GitSlice", "domain": urlsplit(home).netloc}
        super().send_mail(template_prefix, email, context | links | {"current_site": site})

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        user = super().save_user(request, user, form, commit)
        if commit:
            record(organization=None, actor=user, action="user.create", object=user.username)
        return user

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        """A page instead of the sign-in, for who may not come in this way."""
        response = super().pre_login(request, user, **kwargs)
        if response is not None:
            write_sign_in(user, user, "user.sign_in_refused", reason="deactivated")
            return response
        sso = (kwargs["signal_kwargs"] or {}).get("sociallogin")
        organization = refused_by(user, sso.account.provider if sso else None)
        if organization is not None:
            write_sign_in(user, user, "user.sign_in_refused", reason="single sign-on is required")
            return render(request, "accounts/sso/required.html", {"organization": organization}, status=403)
        if sso is None and (address := _address_to_verify(user)):
            send_verification_email_to_address(request, address, signup=kwargs["signup"])
            return self.respond_email_verification_sent(request, user)  # type: ignore[return-value]
        return None

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        sso = (kwargs["signal_kwargs"] or {}).get("sociallogin")
        if sso:
            remember_provider(request, sso)
        return super().post_login(request, user, **kwargs)


class MfaAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)


def _address_to_verify(user: User) -> EmailAddress | None:
    """Of who made their account themselves and has not signed in yet; others' addresses come from an administrator."""
    if user.last_login is not None:
        return None
    if EmailAddress.objects.filter(user=user, verified=True).exists():
        return None
    return EmailAddress.objects.filter(
        user=user, primary=True
    ).first()  # which sign-up makes, and nothing else
