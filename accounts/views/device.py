"""The page where a person types the code that a program shows, and lets it in."""

from __future__ import annotations

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.api.access import signed_in
from accounts.devices.services import CLIENTS, decide_grant, find_grant
from accounts.models import User
from accounts.scopes import Scope
from gitslice.common.audit import current_origin
from gitslice.common.errors import DomainError
from gitslice.common.pages import performed

MEANINGS = {
    Scope.READ: "read what you may read",
    Scope.WRITE: "write: slices, changesets, landing",
    Scope.REVIEW: "review: approve, reject, comment",
    Scope.ADMIN: "administer: organizations, people, tokens, policies, the global state",
}
MOST_LETTERS = 40


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def device(request: HttpRequest) -> HttpResponse:
    """Type the code; then see who asks. A code in the address is only filled in: nothing happens unseen."""
    actor = signed_in(request.user)
    code = request.POST.get("user_code", request.GET.get("user_code", ""))[:MOST_LETTERS]
    if request.method != "POST":
        return render(request, "accounts/device.html", {"code": code})
    try:
        grant = find_grant(actor=actor, user_code=code)
    except DomainError as error:
        return render(request, "accounts/device.html", {"code": code, "error": error}, status=error.status)
    context = {
        "code": code,
        "grant": grant,
        "is_near": grant.address == current_origin().address,
        "client": CLIENTS.get(grant.client, grant.client),
        "meanings": [MEANINGS[Scope(scope)] for scope in grant.scopes],
    }
    return render(request, "accounts/device_decision.html", context)


@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    actor = signed_in(request.user)
    mutation = partial(
        _decided,
        actor,
        request.POST.get("user_code", "")[:MOST_LETTERS],
        allow=request.POST.get("decision") == "allow",
    )
    return performed(request, reverse("device"), mutation)


def _decided(actor: User, code: str, *, allow: bool) -> str:
    grant = decide_grant(actor=actor, grant=find_grant(actor=actor, user_code=code), allow=allow)
    if allow:
        return f"{grant.title} is signed in as you. You may close this page."
    return f"{grant.title} was turned away."
