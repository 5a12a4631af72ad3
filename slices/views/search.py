"""Search over the paths and contents that one may see."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from accounts.errors import OrganizationNotFound
from accounts.models import Membership, Organization
from gitslice.common.errors import InvalidRequest
from gitslice.common.pagination import Page, text_key
from slices.api.search import page_of, wanted_search
from slices.errors import InvalidPattern, SearchTooSlow
from slices.models import Slice
from slices.search.queries import FoundFile, Line, search_contents, search_paths
from slices.search.sight import Sight, sight_of
from slices.search.wanted import Wanted, read_filters
from slices.views.frame import wanted

FILES = 20  # of a page
PATHS = 8  # that are shown above them


class ShownFile(NamedTuple):
    path: str
    slice: str
    runs: list[list[tuple[Line, SafeString]]]
    more: bool


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Paths and lines in one organization: `?org=`, else the first of one's own, else of those that show something."""
    asked = wanted_search(request)
    organizations = _organizations(request)
    organization = _chosen(organizations, wanted(request, "org"))
    context: dict[str, Any] = {"asked": asked, "organizations": organizations, "organization": organization}
    context["slice_name"] = wanted(request, "slice")
    asked, name = read_filters(asked, context["slice_name"])
    status = 200
    if organization is not None and asked.text.strip():
        try:
            context |= _results(request, sight_of(request.user, organization, name), asked)
        except (InvalidRequest, InvalidPattern, SearchTooSlow) as refused:
            context["refused"] = refused
            context["slow"] = isinstance(refused, SearchTooSlow)
            status = refused.status
    return render(request, "slices/search.html", context, status=status)


def _results(request: HttpRequest, sight: Sight, asked: Wanted) -> dict[str, Any]:
    page = Page(request.GET)
    after = "" if page.after is None else text_key(page.after)
    page.limit = FILES
    found = search_contents(sight, asked, after=after, limit=FILES + 1)
    shown, cursor = page_of(page, found)
    paths = search_paths(sight, asked, limit=PATHS) if not (after or asked.is_expression) else []
    return {
        "files": [_shown(sight, file) for file in shown],
        "stopped_at": found.rest,
        "next_cursor": cursor,
        "paths": [(path, sight.slice_of(path)) for path in paths],
    }


def _organizations(request: HttpRequest) -> list[Organization]:
    """Those in which the reader sees slices, their own first."""
    visible = Slice.objects.visible_to(request.user).filter(organization=OuterRef("pk"))
    own = Membership.objects.filter(organization=OuterRef("pk"), user=request.user.pk)
    shown = Organization.objects.filter(Exists(visible)).annotate(own=Exists(own))
    return list(shown.order_by("-own", "slug"))


def _chosen(organizations: list[Organization], slug: str) -> Organization | None:
    if not slug:
        return organizations[0] if organizations else None
    for organization in organizations:
        if organization.slug == slug:
            return organization
    raise OrganizationNotFound(f"there is no organization {slug!r}")


def _shown(sight: Sight, file: FoundFile) -> ShownFile:
    runs = [[(line, marked(line.text, line.marks)) for line in run] for run in file.runs]
    return ShownFile(file.path, sight.slice_of(file.path), runs, file.more)


def marked(text: str, marks: Iterable[tuple[int, int]]) -> SafeString:
    """The text with what matches in marks."""
    parts: list[str] = []
    at = 0
    for start, end in marks:
        parts += [escape(text[at:start]), f"<mark>{escape(text[start:end])}</mark>"]
        at = end
    return mark_safe("".join(parts) + escape(text[at:]))
