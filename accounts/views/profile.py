"""One's own page: name, organizations and teams, API tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services
from accounts.api.access import signed_in
from accounts.models import User
from accounts.people.profile import change_name
from accounts.views.frame import field
from gitslice.common.errors import DomainError, InvalidRequest
from gitslice.common.pages import performed, whole_number

MAX_DAYS = 3650


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
@require_POST
def new_token(request: HttpRequest) -> HttpResponse:
    """The page shows the secret, this once."""
    user = signed_in(request.user)
    wanted = {name: request.POST.get(name, "") for name in ("token_name", "days")}
    try:
        name, days = field(request, "token_name"), whole_number(field(request, "days"))
        if not name or len(name) > 100:
            raise InvalidRequest("a token needs a name of at most 100 characters")
        if days is not None and not 1 <= days <= MAX_DAYS:
            raise InvalidRequest(f"a token lives from 1 to {MAX_DAYS} days")
        expires_at = timezone.now() + timedelta(days=days) if days else None
        token, secret = services.create_token(user=user, name=name, expires_at=expires_at)
    except DomainError as error:
        return _shown(request, user, status=error.status, wanted=wanted, token_error=error)
    return _shown(request, user, made=token, secret=secret)


@require_POST
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    def mutate() -> str:
        services.revoke_token(actor=signed_in(request.user), token_id=token_id)
        return "The token is revoked."

    return performed(request, reverse("people:profile"), mutate)


def _shown(request: HttpRequest, user: User, *, status: int = 200, **context: Any) -> HttpResponse:
    now = timezone.now()
    tokens = [(token, bool(token.expires_at and token.expires_at <= now)) for token in _live_tokens(user)]
    shown = {
        "form": {"first_name": user.first_name, "last_name": user.last_name},
        "memberships": user.memberships.select_related("organization").order_by("organization__slug"),
        "teams": user.teams.select_related("organization", "parent").order_by("organization__slug", "slug"),
        "tokens": tokens,
    }
    return render(request, "accounts/profile.html", shown | context, status=status)


def _live_tokens(user: User) -> Any:
    return user.api_tokens.filter(revoked_at=None)
