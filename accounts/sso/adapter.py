"""Where allauth asks which identity providers there are, and what becomes of whom they vouch for."""

from __future__ import annotations

from typing import Any, NoReturn

import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from accounts.models import User
from accounts.services import role_in
from accounts.sso.admission import (
    account_of_directory,
    admit,
    check_may_make_account,
    forget_claims,
    owner_of_address,
    speaks_for,
)
from accounts.sso.apps import app_of, find, way_to
from accounts.sso.errors import SignInRefused
from accounts.sso.fetching import Session
from accounts.sso.identities import Identity, identity_of, nonce_of
from accounts.sso.models import IdentityProvider
from accounts.sso.oidc import OidcProvider
from accounts.sso.saml import SamlProvider
from accounts.sso.services import note_test
from gitslice.common.audit import record

PENDING = (
    "sso_pending"  # in the session: a sign-in that waits for the password of the account with its address
)
TEST, CONNECT = "test", "connect"


class SingleSignOnAdapter(DefaultSocialAccountAdapter):
    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """The app of the one provider that is named by its key; providers are never listed."""
        found = find(client_id or provider or "")
        return [app_of(found)] if found else []

    def get_provider(
        self, request: HttpRequest, provider: str, client_id: str | None = None
    ) -> SamlProvider | OidcProvider:
        return way_to(request, self.get_app(request, provider=provider, client_id=client_id))

    def get_requests_session(self) -> requests.Session:
        return Session()

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True  # whom pre_social_login lets pass

    def is_email_verified(self, provider: Any, email: str) -> bool:
        found = find(provider.app.provider_id)
        return found is not None and speaks_for(found, email)

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Every answer of an identity provider comes through here, before anybody is signed in."""
        provider = find(sociallogin.account.provider)
        if provider is None:
            raise Http404
        try:
            self._decide(request, provider, sociallogin)
        except SignInRefused as error:
            refuse(request, provider, error)

    def _decide(self, request: HttpRequest, provider: IdentityProvider, login: SocialLogin) -> None:
        identity = identity_of(provider, login)
        if provider.protocol == IdentityProvider.Protocol.OIDC and (
            not login.state.get("nonce") or nonce_of(login) != login.state["nonce"]
        ):
            raise SignInRefused("the answer belongs to another request")
        login.state["left"] = getattr(request, "sso_left", None)
        process = login.state.get("process")
        if process == TEST:
            self._finish_test(request, provider, identity)
        if not provider.active:
            raise SignInRefused(f"single sign-on of {provider.organization} is switched off")
        if process == CONNECT:
            self._check_connect(request, provider, login)
        elif login.is_existing:
            assert isinstance(login.user, User)
            admit(provider=provider, user=login.user, identity=identity)
        else:
            check_may_make_account(provider, identity)
            forget_claims(identity.email)
            account = account_of_directory(provider, identity.email)
            if account is not None:
                admit(provider=provider, user=account, identity=identity)
                login.connect(request, account)
            elif owner_of_address(identity.email):
                request.session[PENDING] = login.serialize()
                raise ImmediateHttpResponse(HttpResponseRedirect(reverse("sso_claim")))

    def _check_connect(self, request: HttpRequest, provider: IdentityProvider, login: SocialLogin) -> None:
        """A member links the identity to the account that is signed in."""
        user = request.user
        if not isinstance(user, User) or role_in(user, provider.organization) is None:
            raise SignInRefused(f"only members of {provider.organization} connect to it")
        others = SocialAccount.objects.filter(provider=provider.key, user=user).exclude(uid=login.account.uid)
        if others.exists():
            raise SignInRefused("your account is connected to another identity there")

    def _finish_test(self, request: HttpRequest, provider: IdentityProvider, identity: Identity) -> NoReturn:
        note_test(actor=request.user, provider=provider, identity=identity)
        groups = ", ".join(sorted(identity.groups)) or "none"
        messages.success(
            request,
            f"The test passed. Subject {identity.subject}, e-mail {identity.email or 'none'}, groups: {groups}.",
        )
        raise ImmediateHttpResponse(
            HttpResponseRedirect(reverse("sso_settings", args=[provider.organization.slug]))
        )

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        """A new account, without a password, that belongs to the organization."""
        provider = find(sociallogin.account.provider)
        assert provider is not None
        identity = identity_of(provider, sociallogin)
        try:
            with transaction.atomic():
                user = super().save_user(request, sociallogin, form)
                record(
                    organization=provider.organization, actor=user, action="user.create", object=user.username,
                    detail={"by": "single sign-on"},
                )  # fmt: skip
                admit(provider=provider, user=user, identity=identity)
        except SignInRefused as error:  # somebody else took the last place a moment ago
            refuse(request, provider, error)
        return user

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:  # fmt: skip
        found = find(provider.app.provider_id)
        if found is not None:
            reason = (extra_context or {}).get("saml_last_error_reason") or exception or "no valid answer"
            refuse(
                request, found, SignInRefused(f"the identity provider's answer was not accepted: {reason}")
            )

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: SocialAccount) -> str:
        return reverse("account")


def refuse(request: HttpRequest, provider: IdentityProvider, error: SignInRefused) -> NoReturn:
    """Say why nobody is signed in, to the person and in the organization's audit trail."""
    actor = request.user if isinstance(request.user, User) else None
    record(
        organization=provider.organization, actor=actor, action="sso.refuse",
        object=str(provider.organization), detail={"reason": str(error)[:300]},
    )  # fmt: skip
    page = render(
        request,
        "accounts/sso/refused.html",
        {"error": error, "organization": provider.organization},
        status=403,
    )
    raise ImmediateHttpResponse(page)
