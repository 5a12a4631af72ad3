"""The board: conflicts by severity, or those of one severity in pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.api.access import visible_organization
from conflicts.bodies import RELATED, conflict_bodies
from conflicts.models import Conflict
from conflicts.querysets import ConflictQuerySet
from gitslice.common.errors import InvalidRequest
from gitslice.common.pages import is_fragment, page_or_fragment
from gitslice.common.pagination import Page, whole_key
from slices.views.frame import wanted

SEVERITIES = ("critical", "high", "medium", "low")
OPEN, ANY = "open", "all"
STATES = (*Conflict.State.values, ANY)
SHOWN = 40  # of each severity
FILTERS = ("severity", "kind", "state", "slice", "path", "mine")
TELLING = ("severity", "kind")  # who does not see the other side learns nothing by asking for these
NO_CHANGE = 204


@require_safe
def board(request: HttpRequest, org: str = "") -> HttpResponse:
    """Conflicts that one may see, the gravest first; open ones unless `?state=` says otherwise. Each column says how many
    there are; with `?severity=` there is one, in pages."""
    organization = visible_organization(request.user, org) if org else None
    chosen = _chosen(request)
    rows = Conflict.objects.visible_to(request.user)
    if organization:
        rows = rows.filter(organization=organization)
    rows = _filtered(rows, chosen, request, org)
    stamp = _stamp(rows)
    if is_fragment(request) and request.GET.get("seen") == stamp:
        return HttpResponse(status=NO_CHANGE)
    known = rows.told_to(request.user)
    context: dict[str, Any] = {
        "organization": organization,
        "org": org,
        "chosen": chosen,
        "severities": SEVERITIES,
        "kinds": Conflict.Kind.values,
        "states": STATES,
        "stamp": stamp,
        "filtered": any(chosen[name] for name in FILTERS if name != "state") or chosen["state"] != OPEN,
    }
    context |= _one(known, chosen["severity"], request) if chosen["severity"] else _columns(known, request)
    if not any(chosen[name] for name in TELLING):
        context["hidden"] = _cards(rows.exclude(pk__in=known.values("pk")), request)
    return page_or_fragment(request, "conflicts/board.html", "conflicts/parts/columns.html", context)


def _chosen(request: HttpRequest) -> dict[str, str]:
    """The filters. Raises InvalidRequest for a choice that is none."""
    chosen = {name: wanted(request, name).strip() for name in FILTERS}
    chosen["state"] = chosen["state"] or OPEN
    allowed = {"severity": SEVERITIES, "kind": Conflict.Kind.values, "state": STATES}
    for name, values in allowed.items():
        if chosen[name] and chosen[name] not in values:
            raise InvalidRequest(f"{name} is one of {', '.join(values)}")
    return chosen


def _stamp(rows: ConflictQuerySet) -> str:
    """Changes with everything that the board shows."""
    facts = rows.aggregate(count=Count("pk"), last=Max("updated_at"))
    return f"{facts['count']}-{facts['last'].timestamp() if facts['last'] else 0}"


def _columns(known: ConflictQuerySet, request: HttpRequest) -> dict[str, Any]:
    counts = dict(known.values_list("severity").annotate(Count("pk")).order_by())
    columns = [_column(known, severity, counts.get(severity, 0), request) for severity in SEVERITIES]
    return {"columns": columns, "total": sum(counts.values())}


def _column(rows: ConflictQuerySet, severity: str, count: int, request: HttpRequest) -> dict[str, Any]:
    cards = _cards(rows.filter(severity=severity), request) if count else []
    return {"severity": severity, "count": count, "cards": cards, "more": max(count - SHOWN, 0)}


def _one(known: ConflictQuerySet, severity: str, request: HttpRequest) -> dict[str, Any]:
    """The newest conflicts of one severity, a page of them."""
    rows = known.filter(severity=severity)
    page = Page(request.GET)
    after = rows if page.after is None else rows.filter(pk__lt=whole_key(page.after))
    found = list(after.select_related(*RELATED, "organization").order_by("-pk")[: page.limit + 1])
    shown, cursor = page.cut(found, lambda row: row.pk)
    count = rows.count()
    column = {"severity": severity, "count": count, "cards": _shown(shown, request), "more": 0}
    return {"columns": [column], "total": count, "next_cursor": cursor}


def _cards(rows: ConflictQuerySet, request: HttpRequest) -> list[dict[str, Any]]:
    return _shown(
        list(rows.select_related(*RELATED, "organization").order_by("-updated_at", "-pk")[:SHOWN]), request
    )


def _shown(found: Sequence[Conflict], request: HttpRequest) -> list[dict[str, Any]]:
    bodies = conflict_bodies(found, request.user)
    return [body | {"org": row.organization.slug} for row, body in zip(found, bodies, strict=True)]


def _filtered(
    rows: ConflictQuerySet, chosen: dict[str, str], request: HttpRequest, org: str
) -> ConflictQuerySet:
    if chosen["state"] != ANY:
        rows = rows.filter(state=chosen["state"])
    if any(chosen[name] for name in TELLING):
        rows = rows.told_to(request.user)
    if chosen["severity"]:
        rows = rows.filter(severity=chosen["severity"])
    if chosen["kind"]:
        rows = rows.filter(kind=chosen["kind"])
    if chosen["slice"]:
        owner, _, name = chosen["slice"].rpartition("/")
        rows = rows.of_slice(owner or org, name, request.user) if owner or org else rows.none()
    if chosen["path"]:
        rows = rows.at(chosen["path"], request.user, "contains")
    if chosen["mine"] and request.user.is_authenticated:
        rows = rows.concerning(request.user.pk)
    return rows
