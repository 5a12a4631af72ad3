"""Roles in a slice, given and taken on its settings page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.api.access import signed_in
from accounts.views.frame import field
from gitslice.common.pages import performed
from slices.api.access import visible_slice
from slices.granting import grant_role, revoke_role


@require_POST
def give(request: HttpRequest, org: str, name: str) -> HttpResponse:
    slice = visible_slice(request.user, org, name)

    def mutate() -> str:
        holder, role = field(request, "holder"), field(request, "role")
        grant_role(actor=signed_in(request.user), slice=slice, name=holder, role=role)
        return f"{holder} is {role} of {slice}."

    return performed(request, _settings(org, name), mutate)


@require_POST
def take(request: HttpRequest, org: str, name: str) -> HttpResponse:
    slice = visible_slice(request.user, org, name)

    def mutate() -> str:
        holder = field(request, "holder")
        revoke_role(actor=signed_in(request.user), slice=slice, name=holder)
        return f"{holder} has no role in {slice} any more."

    return performed(request, _settings(org, name), mutate)


def _settings(org: str, name: str) -> str:
    return reverse("slices:settings", args=[org, name]) + "#roles"
