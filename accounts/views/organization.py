"""Settings of an organization, for its owners and admins."""

from __future__ import annotations

from typing import Any

from django.conf import settings as site
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.api.access import signed_in
from accounts.models import Organization
from accounts.people.members import rename_organization
from accounts.quotas.services import quotas_of
from accounts.scim import tokens
from accounts.views.frame import framed, managed_organization
from gitslice.common.errors import DomainError
from gitslice.common.pages import performed


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, org: str) -> HttpResponse:
    organization = managed_organization(request, org)
    if request.method != "POST":
        return _shown(request, organization)
    name = request.POST.get("name", "")
    try:
        rename_organization(actor=signed_in(request.user), organization=organization, name=name)
    except DomainError as error:
        return _shown(request, organization, status=error.status, form={"name": name}, error=error)
    messages.success(request, "Saved.")
    return HttpResponseRedirect(reverse("people:settings", args=[org]))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_scim_token(request: HttpRequest, org: str) -> HttpResponse:
    """The page shows the secret, this once."""
    organization = managed_organization(request, org)
    if request.method != "POST":  # who signs in anew on the way comes by this address
        return HttpResponseRedirect(reverse("people:settings", args=[org]) + "#scim")
    name = request.POST.get("token_name", "")
    try:
        made, secret = tokens.create_scim_token(
            actor=signed_in(request.user), organization=organization, name=name
        )
    except DomainError as error:
        return _shown(request, organization, status=error.status, wanted=name, token_error=error)
    return _shown(request, organization, made=made, secret=secret)


@require_POST
def revoke_scim_token(request: HttpRequest, org: str, token_id: int) -> HttpResponse:
    organization = managed_organization(request, org)

    def mutate() -> str:
        tokens.revoke_scim_token(actor=signed_in(request.user), organization=organization, token_id=token_id)
        return "The token is revoked."

    return performed(request, reverse("people:settings", args=[org]) + "#scim", mutate)


def _shown(
    request: HttpRequest, organization: Organization, *, status: int = 200, **context: Any
) -> HttpResponse:
    shown = {
        "form": {"name": organization.name},
        "quotas": quotas_of(organization),
        "scim_address": f"{site.GITSLICE_PUBLIC_URL}/scim/v2/{organization.slug}",
        "scim_tokens": tokens.live_tokens(organization),
    }
    context = framed(request, organization, "settings", **(shown | context))
    return render(request, "accounts/settings.html", context, status=status)
