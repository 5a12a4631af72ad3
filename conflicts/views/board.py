"""The board: open conflicts by severity."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.api.access import visible_organization
from conflicts.bodies import RELATED, conflict_bodies
from conflicts.models import Conflict
from conflicts.querysets import ConflictQuerySet
from gitslice.common.pages import page_or_fragment
from slices.views.frame import wanted

SEVERITIES = ("critical", "high", "medium", "low")
SHOWN = 40  # of each severity


@require_safe
def board(request: HttpRequest, org: str = "") -> HttpResponse:
    """Open conflicts that one may see, the gravest first; each column says how many there are."""
    organization = visible_organization(request.user, org) if org else None
    chosen = {name: wanted(request, name).strip() for name in ("slice", "path", "mine")}
    rows = Conflict.objects.open().visible_to(request.user)
    if organization:
        rows = rows.filter(organization=organization)
    rows = _filtered(rows, chosen, request, org)
    known = rows.told_to(request.user)
    counts = dict(known.values_list("severity").annotate(Count("pk")).order_by())
    columns = [_column(known, severity, counts.get(severity, 0), request) for severity in SEVERITIES]
    hidden = rows.exclude(pk__in=known.values("pk"))
    context: dict[str, Any] = {
        "organization": organization,
        "org": org,
        "chosen": chosen,
        "columns": columns,
        "total": sum(counts.values()),
        "hidden": _cards(hidden, request),
        "filtered": any(chosen.values()),
    }
    return page_or_fragment(request, "conflicts/board.html", "conflicts/parts/columns.html", context)


def _column(rows: ConflictQuerySet, severity: str, count: int, request: HttpRequest) -> dict[str, Any]:
    cards = _cards(rows.filter(severity=severity), request) if count else []
    return {"severity": severity, "count": count, "cards": cards, "more": max(count - SHOWN, 0)}


def _cards(rows: ConflictQuerySet, request: HttpRequest) -> list[dict[str, Any]]:
    found = list(rows.select_related(*RELATED, "organization").order_by("-updated_at", "-pk")[:SHOWN])
    bodies = conflict_bodies(found, request.user)
    return [body | {"org": row.organization.slug} for row, body in zip(found, bodies, strict=True)]


def _filtered(
    rows: ConflictQuerySet, chosen: dict[str, str], request: HttpRequest, org: str
) -> ConflictQuerySet:
    if chosen["slice"]:
        owner, _, name = chosen["slice"].rpartition("/")
        rows = rows.of_slice(owner or org, name, request.user) if owner or org else rows.none()
    if chosen["path"]:
        rows = rows.at(chosen["path"], request.user, "contains")
    if chosen["mine"] and request.user.is_authenticated:
        rows = rows.concerning(request.user.pk)
    return rows
