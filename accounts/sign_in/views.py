from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.views import LoginView, LogoutView
from allauth.account.views import email as allauth_email
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from accounts.api.access import signed_in
from accounts.models import User
from accounts.sso.leaving import way_out
from accounts.sso.models import IdentityProvider
from accounts.support import KEY, end_support
from gitslice.common.audit import record


class SignInView(LoginView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"open_sign_up": settings.GITSLICE_OPEN_SIGN_UP}


class SignOutView(LogoutView):
    """Ends the session here; who came through an identity provider is offered to end the one there. Who acts as somebody
    else is oneself again before."""

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        if KEY in self.request.session:
            end_support(request=self.request)
            self.request.user = get_user(self.request)
        home = self.request.build_absolute_uri(self.get_redirect_url())
        leave = way_out(self.request, home)
        response = super().post(*args, **kwargs)
        if leave is None:
            return response
        url, provider = leave
        context = {"url": url, "organization": provider.organization, "home": home}
        return render(self.request, "accounts/sso/leaving.html", context)


def email(request: HttpRequest) -> HttpResponse:
    """An address is somebody's once they have followed the link that was mailed there, and not because they say so."""
    if "action_primary" in request.POST:
        return HttpResponseRedirect(reverse("account_email"))
    return allauth_email(request)


class SessionsView(ListUserSessionsView):
    """Where one is signed in. Ending all but this session is in the trail."""

    def form_valid(self, form: Any) -> HttpResponse:
        user = signed_in(self.request.user)
        ended = UserSession.objects.filter(user=user).exclude(session_key=self.request.session.session_key)
        record(
            organization=None, actor=user, action="user.sessions_end", object=user.username,
            detail={"sessions": ended.count()},
        )  # fmt: skip
        return super().form_valid(form)


@login_required
def account(request: HttpRequest) -> HttpResponse:
    """How one signs in: password, second factor, sessions, single sign-on of one's organizations."""
    user = signed_in(request.user)
    context = {
        "tab": "sign-in",
        "links": _links(user),
        "verified": EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists(),
        "second_factor": get_mfa_adapter().is_mfa_enabled(user),
    }
    return render(request, "accounts/account.html", context)


def _links(user: User) -> list[dict[str, Any]]:
    """Identity providers of the user's organizations that the user is connected to, or could be."""
    connected = set(SocialAccount.objects.filter(user=user).values_list("provider", flat=True))
    providers = IdentityProvider.objects.filter(organization__members=user).select_related("organization")
    return [
        {"organization": provider.organization, "connected": provider.key in connected}
        for provider in providers.order_by("organization__slug")
        if provider.active or provider.key in connected
    ]
