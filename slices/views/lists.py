"""The list of slices, and making one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.api.access import signed_in, visible_organization
from accounts.models import Organization
from accounts.services import role_in
from gitslice.common.errors import DomainError, PermissionDenied
from gitslice.common.pages import page_or_fragment
from gitslice.common.pagination import Page
from slices.api.slices import slices_after
from slices.models import Slice
from slices.reading import find_slices, slice_rows
from slices.services import create_slice
from slices.views.frame import wanted


@require_safe
def all_slices(request: HttpRequest, org: str = "") -> HttpResponse:
    """Slices that one may see, of one organization or of all, by name."""
    organization = visible_organization(request.user, org) if org else None
    search, mine = wanted(request, "q").strip(), request.GET.get("mine") == "1"
    rows = find_slices(request.user, organization=org or None, search=search, mine=mine)
    page = Page(request.GET)
    found = list(slices_after(rows, page)[: page.limit + 1])
    shown, cursor = page.cut(found, lambda slice: [slice.organization.slug, slice.name])
    context: dict[str, Any] = {
        "organization": organization,
        "rows": list(zip(shown, slice_rows(shown), strict=True)),
        "next_cursor": cursor,
        "q": search,
        "mine": mine,
    }
    if not request.headers.get("HX-Request"):
        context["own_organizations"] = own_organizations(request, organization)
    return page_or_fragment(request, "slices/list.html", "slices/parts/rows.html", context)


def own_organizations(request: HttpRequest, organization: Organization | None) -> list[Organization]:
    """Where the reader may make slices: in this organization, or in all one belongs to."""
    own = Organization.objects.filter(memberships__user=request.user.pk).order_by("slug")
    return list(own.filter(pk=organization.pk) if organization else own)


@require_http_methods(["GET", "HEAD", "POST"])
def new_slice(request: HttpRequest, org: str) -> HttpResponse:
    actor = signed_in(request.user)
    organization = visible_organization(actor, org)
    if role_in(actor, organization) is None:
        raise PermissionDenied(f"only members of {organization} may make slices")
    form = {
        name: request.POST.get(name, "") for name in ("name", "includes", "excludes", "description", "owners")
    }
    form["visibility"] = request.POST.get("visibility", Slice.Visibility.ORGANIZATION)
    context = {"organization": organization, "form": form, "visibilities": Slice.Visibility.choices}
    if request.method != "POST":
        return render(request, "slices/new.html", context)
    try:
        slice = create_slice(
            actor=actor,
            organization=organization,
            name=form["name"].strip(),
            includes=words(form["includes"]),
            excludes=words(form["excludes"]),
            description=form["description"].strip(),
            visibility=form["visibility"],
            owners=words(form["owners"]),
        )
    except DomainError as error:
        return render(request, "slices/new.html", context | {"error": error}, status=error.status)
    messages.success(request, f"{slice} is ready.")
    return HttpResponseRedirect(reverse("slices:slice", args=[org, slice.name]))


def words(text: str) -> list[str]:
    """One a line, or separated by commas."""
    return [word.strip() for line in text.splitlines() for word in line.split(",") if word.strip()]
