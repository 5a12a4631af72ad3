"""People of an organization: found, and what owners and admins do with memberships."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.api.access import signed_in
from accounts.api.members import plain_text
from accounts.models import Membership
from accounts.people import activation
from accounts.people import members as services
from accounts.views.frame import field, framed, shown_organization
from gitslice.common.errors import InvalidRequest
from gitslice.common.pages import page_or_fragment, performed
from gitslice.common.pagination import Page, text_key


@require_safe
def members(request: HttpRequest, org: str) -> HttpResponse:
    """Everybody in the organization, by name."""
    organization = shown_organization(request, org)
    search = plain_text(request.GET.get("q", "")).strip()
    page = Page(request.GET)
    rows = services.find_members(organization, search)
    if page.after is not None:
        rows = rows.filter(user__username__gt=text_key(page.after))
    shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda membership: membership.user.username)
    context = framed(request, organization, "people", members=shown, next_cursor=cursor, q=search)
    return page_or_fragment(request, "accounts/members.html", "accounts/parts/members.html", context)


@require_POST
def change_role(request: HttpRequest, org: str, username: str) -> HttpResponse:
    membership = _shown_member(request, org, username)

    def mutate() -> str:
        role = field(request, "role")
        if role not in Membership.Role.values:
            raise InvalidRequest(f"role is one of {', '.join(Membership.Role.values)}")
        services.change_role(actor=signed_in(request.user), membership=membership, role=role)
        return f"{username} is {role} now."

    return performed(request, _people(org), mutate)


@require_POST
def remove(request: HttpRequest, org: str, username: str) -> HttpResponse:
    """Somebody, or oneself."""
    membership = _shown_member(request, org, username)
    leaving = membership.user_id == request.user.pk

    def mutate() -> str:
        services.remove_member(actor=signed_in(request.user), membership=membership)
        return f"You have left {org}." if leaving else f"{username} is no member any more."

    response = performed(request, _people(org), mutate)
    left = leaving and not membership.organization.memberships.filter(user=membership.user).exists()
    return redirect("people:profile") if left else response


@require_POST
def deactivate(request: HttpRequest, org: str, username: str) -> HttpResponse:
    membership = _shown_member(request, org, username)

    def mutate() -> str:
        activation.deactivate_user(
            actor=signed_in(request.user), user=membership.user, organization=membership.organization
        )
        return f"{username} is deactivated: all sessions and tokens have ended."

    return performed(request, _people(org), mutate)


@require_POST
def reactivate(request: HttpRequest, org: str, username: str) -> HttpResponse:
    membership = _shown_member(request, org, username)

    def mutate() -> str:
        activation.reactivate_user(
            actor=signed_in(request.user), user=membership.user, organization=membership.organization
        )
        return f"{username} may sign in again."

    return performed(request, _people(org), mutate)


def _shown_member(request: HttpRequest, org: str, username: str) -> Membership:
    organization = shown_organization(request, org)
    membership = services.find_member(organization, username)
    membership.organization = organization
    return membership


def _people(org: str) -> str:
    return reverse("people:members", args=[org])
