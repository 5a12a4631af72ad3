"""The audit trail of an organization, for its owners and admins."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.api.access import administered_organization
from accounts.trail.chaining import chain_events
from accounts.trail.reading import FILTERS, event_body, events_of
from accounts.views.frame import framed
from gitslice.common.errors import InvalidRequest
from gitslice.common.pages import page_or_fragment
from gitslice.common.pagination import Page, whole_key


@require_safe
def audit(request: HttpRequest, org: str) -> HttpResponse:
    """Newest first, filtered as `/api/v1/audit/ORG/` is."""
    organization = administered_organization(request.user, org)
    chosen = {name: _wanted(request, name) for name in FILTERS}
    page = Page(request.GET)
    chain_events()
    events = events_of(organization, chosen)
    if page.after is not None:
        events = events.filter(pk__lt=whole_key(page.after))
    found, cursor = page.cut(list(events[: page.limit + 1]), lambda event: event.pk)
    context: dict[str, Any] = {
        "events": [event_body(event) for event in found],
        "next_cursor": cursor,
        "chosen": chosen,
        "filtered": any(chosen.values()),
    }
    context = framed(request, organization, "audit", **context)
    return page_or_fragment(request, "accounts/audit.html", "accounts/parts/audit_rows.html", context)


def _wanted(request: HttpRequest, name: str) -> str:
    value = request.GET.get(name, "").strip()
    if "\0" in value:
        raise InvalidRequest(f"{name} has a NUL character")
    return value
