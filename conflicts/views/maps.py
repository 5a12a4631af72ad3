"""The map of an organization: pictures, and the same as tables."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.api.access import own_organization, signed_in
from conflicts.maps import CONFLICT_DAYS, activity, meetings
from gitslice.common.errors import InvalidRequest
from gitslice_core.paths import PathError, validate_path
from slices.coverage_counts import DEPTH
from slices.coverage_map import MOST_AREAS, Area, areas, counted_at
from slices.global_state.reading import Sight
from slices.models import ROOT
from slices.views.frame import path_crumbs, wanted


@require_safe
def overview(request: HttpRequest, org: str) -> HttpResponse:
    """Slices that meet, what covers the tree below `?folder=`, landings and conflicts `?by=` day or week."""
    user = signed_in(request.user)
    organization = own_organization(user, org)
    sight = Sight(user, organization)
    folder = _folder(request)
    found, more = areas(sight, folder)
    by_week = wanted(request, "by") == "week"
    context: dict[str, Any] = {
        "organization": organization,
        "org": org,
        "meetings": meetings(sight),
        "conflict_days": CONFLICT_DAYS,
        "folder": folder,
        "crumbs": path_crumbs(folder),
        "areas": [_row(sight, folder, area) for area in found],
        "most_areas": MOST_AREAS if more else 0,
        "by_week": by_week,
        "periods": activity(sight, by_week=by_week),
        "counted_at": counted_at(organization.pk),
    }
    return render(request, "conflicts/map.html", context)


def _folder(request: HttpRequest) -> str:
    folder = wanted(request, "folder").strip("/")
    if folder:
        try:
            validate_path(folder)
        except PathError as error:
            raise InvalidRequest(f"folder: {error}") from None
    return folder


def _row(sight: Sight, folder: str, area: Area) -> dict[str, Any]:
    names = [sight.slices[pk].name for pk in area.slices]
    path = "/".join(part for part in (folder, area.outer, area.inner) if part)
    org = sight.organization.slug
    if area.outer and path.count("/") + 1 < DEPTH:
        address = f"{reverse('conflicts:map', args=[org])}?{urlencode({'folder': path})}#tree"
    elif path:
        address = reverse("slices:tree", args=[org, names[0] if names else ROOT, path])
    else:
        address = reverse("slices:slice", args=[org, names[0] if names else ROOT])
    return {"area": area, "path": path, "names": names, "address": address}
