"""Invitations: sent by owners and admins; opened by whoever has the link."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.api.access import signed_in
from accounts.models import Invitation, Membership, Organization
from accounts.people import invitations as services
from accounts.people.errors import InvitationNotFound
from accounts.views.frame import field, framed, managed_organization
from gitslice.common.errors import DomainError, InvalidRequest
from gitslice.common.pages import performed
from gitslice.common.pagination import Page, whole_key


@require_http_methods(["GET", "HEAD", "POST"])
def invitations(request: HttpRequest, org: str) -> HttpResponse:
    """Those that nobody has accepted yet, and sending one."""
    organization = managed_organization(request, org)
    form = {"email": request.POST.get("email", ""), "role": request.POST.get("role", Membership.Role.MEMBER)}
    context: dict[str, Any] = {"form": form}
    status = 200
    if request.method == "POST":
        try:
            if form["role"] not in Membership.Role.values:
                raise InvalidRequest(f"role is one of {', '.join(Membership.Role.values)}")
            made = services.invite(
                actor=signed_in(request.user),
                organization=organization,
                email=form["email"],
                role=form["role"],
            )
        except DomainError as error:
            context["error"], status = error, error.status
        else:
            messages.success(request, f"A link is on its way to {made.email}.")
            return HttpResponseRedirect(_invitations(org))
    page = Page(request.GET)
    rows = organization.invitations.pending().select_related("invited_by").order_by("pk")
    if page.after is not None:
        rows = rows.filter(pk__gt=whole_key(page.after))
    shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda invitation: invitation.pk)
    context |= {"invitations": [(row, row.is_open()) for row in shown], "next_cursor": cursor}
    context = framed(request, organization, "invitations", **context)
    return render(request, "accounts/invitations.html", context, status=status)


@require_POST
def resend(request: HttpRequest, org: str, invitation_id: int) -> HttpResponse:
    organization = managed_organization(request, org)

    def mutate() -> str:
        sent = services.resend(
            actor=signed_in(request.user), invitation=_pending(organization, invitation_id)
        )
        return f"A new link is on its way to {sent.email}; the one before is dead."

    return performed(request, _invitations(org), mutate)


@require_POST
def revoke(request: HttpRequest, org: str, invitation_id: int) -> HttpResponse:
    organization = managed_organization(request, org)

    def mutate() -> str:
        services.revoke(actor=signed_in(request.user), invitation=_pending(organization, invitation_id))
        return "The invitation is revoked."

    return performed(request, _invitations(org), mutate)


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """What a link opens: join with the account one is signed in with, with another, or with a new one."""
    invitation = services.open_invitation(token)
    form = {name: request.POST.get(name, "") for name in ("username", "name")}
    context: dict[str, Any] = {
        "invitation": invitation,
        "organization": invitation.organization,
        "form": form,
    }
    status = 200
    if request.method == "POST":
        try:
            return _joined(request, invitation, token)
        except InvitationNotFound:
            raise
        except DomainError as error:
            context["error"], status = error, error.status
    return render(request, "accounts/join.html", context, status=status)


def _joined(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    inside = reverse("slices:organization", args=[invitation.organization.slug])
    welcome = f"Welcome to {invitation.organization.name}."
    if request.user.is_authenticated:
        services.accept(user=signed_in(request.user), token=token)
        messages.success(request, welcome)
        return HttpResponseRedirect(inside)
    user = services.accept_as_new(
        token=token,
        username=field(request, "username"),
        password=request.POST.get("password", ""),
        name=field(request, "name"),
    )
    messages.success(request, welcome)
    record_authentication(request, user, method="password")
    return perform_login(request, user, email_verification="none", redirect_url=inside)


def _pending(organization: Organization, invitation_id: int) -> Invitation:
    rows = organization.invitations.pending().select_related("organization", "invited_by")
    invitation = rows.filter(pk=invitation_id).first()
    if invitation is None:
        raise InvitationNotFound("the invitation is accepted or revoked")
    return invitation


def _invitations(org: str) -> str:
    return reverse("people:invitations", args=[org])
