"""One's own page: name, organizations and teams, API tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services
from accounts.api.access import signed_in
from accounts.models import ApiToken, User
from accounts.people.profile import change_name
from accounts.views.tokens import TokenForm, token_context
from gitslice.common.errors import DomainError
from gitslice.common.pages import performed

NEW_TOKEN = TokenForm()


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    user = signed_in(request.user)
    form = {"first_name": user.first_name, "last_name": user.last_name}
    if request.method != "POST":
        return _shown(request, user, form=form)
    form = {name: request.POST.get(name, "") for name in form}
    try:
        change_name(user=user, **form)
    except DomainError as error:
        user.refresh_from_db()
        return _shown(request, user, status=error.status, form=form, error=error)
    messages.success(request, "Saved.")
    return HttpResponseRedirect(reverse("people:profile"))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_token(request: HttpRequest) -> HttpResponse:
    """The page shows the secret, this once."""
    user = signed_in(request.user)
    if request.method != "POST":  # who signs in anew on the way comes by this address
        return HttpResponseRedirect(_tokens())
    form = TokenForm.sent(request)
    try:
        token, secret = services.create_token(user=user, **form.wanted(user))
    except DomainError as error:
        return _shown(request, user, status=error.status, token_form=form, token_error=error)
    return _shown(request, user, made=token, secret=secret)


@require_POST
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    def mutate() -> str:
        services.revoke_token(actor=signed_in(request.user), token_id=token_id)
        return "The token is revoked."

    return performed(request, _tokens(), mutate)


def _shown(
    request: HttpRequest,
    user: User,
    *,
    status: int = 200,
    token_form: TokenForm = NEW_TOKEN,
    **context: Any,
) -> HttpResponse:
    shown = {
        "tab": "profile",
        "form": {"first_name": user.first_name, "last_name": user.last_name},
        "memberships": user.memberships.select_related("organization").order_by("organization__slug"),
        "teams": user.teams.select_related("organization", "parent").order_by("organization__slug", "slug"),
        "new_token": reverse("people:new-token"),
    }
    shown |= token_context(user, user.api_tokens.filter(revoked_at=None), token_form, _revoke)
    return render(request, "accounts/profile.html", shown | context, status=status)


def _tokens() -> str:
    return reverse("people:profile") + "#tokens"


def _revoke(token: ApiToken) -> str:
    return reverse("people:revoke-token", args=[token.pk])
