"""Settings of an organization, for its owners and admins."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.api.access import signed_in
from accounts.people.members import rename_organization
from accounts.views.frame import framed, managed_organization
from gitslice.common.errors import DomainError


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, org: str) -> HttpResponse:
    organization = managed_organization(request, org)
    context: dict[str, Any] = {"form": {"name": request.POST.get("name", organization.name)}}
    status = 200
    if request.method == "POST":
        try:
            rename_organization(
                actor=signed_in(request.user), organization=organization, name=context["form"]["name"]
            )
        except DomainError as error:
            context["error"], status = error, error.status
        else:
            messages.success(request, "Saved.")
            return HttpResponseRedirect(reverse("people:settings", args=[org]))
    context = framed(request, organization, "settings", **context)
    return render(request, "accounts/settings.html", context, status=status)
