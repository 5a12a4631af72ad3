from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import signed_in, visible_organization
from changesets.models import Changeset
from conflicts.detection import detect
from conflicts.errors import ConflictNotFound
from conflicts.models import Conflict
from conflicts.querysets import ConflictQuerySet
from gitslice.common.errors import InvalidRequest
from gitslice.common.pagination import Page, listing

FILTERS = [
    OpenApiParameter(name)
    for name in ("slice", "changeset", "path", "severity", "kind", "state", "limit", "cursor")
]
RELATED = (
    "changeset__slice__organization",
    "changeset__author",
    "their_commit__slice__organization",
    "their_commit__author",
)


class ConflictListView(APIView):
    """Conflicts of an organization's changesets; open ones unless `state=all`. With `changeset`, looked up afresh."""

    @extend_schema(
        operation_id="list_conflicts", parameters=FILTERS, responses=OpenApiTypes.OBJECT, tags=["conflicts"]
    )
    def get(self, request: Request, org: str) -> Response:
        organization = visible_organization(request.user, org)
        rows = Conflict.objects.visible_to(request.user).filter(organization=organization)
        number = _changeset_number(request.query_params.get("changeset"))
        if number is not None:
            _refresh(request, organization.pk, number)
            rows = rows.filter(changeset__number=number)
        page = Page(request.query_params)
        rows = _filtered(rows, request).filter(pk__gt=page.after or 0).select_related(*RELATED).order_by("pk")
        shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda conflict: conflict.pk)
        return Response(listing(map(conflict_body, shown), cursor))


class ConflictView(APIView):
    @extend_schema(operation_id="get_conflict", responses=OpenApiTypes.OBJECT, tags=["conflicts"])
    def get(self, request: Request, org: str, conflict_id: int) -> Response:
        rows = Conflict.objects.visible_to(request.user).filter(organization__slug=org, pk=conflict_id)
        conflict = rows.select_related(*RELATED).first()
        if conflict is None:
            signed_in(request.user)
            raise ConflictNotFound(f"there is no conflict {conflict_id} in {org}")
        return Response(conflict_body(conflict))


def conflict_body(conflict: Conflict) -> dict[str, Any]:
    changeset, commit = conflict.changeset, conflict.their_commit
    ours = {"slice": str(changeset.slice), "author": changeset.author.username, "changeset": str(changeset)}
    theirs = commit and {
        "slice": str(commit.slice),
        "author": commit.author.username,
        "commit": bytes(commit.digest).hex(),
        "time": commit.landed_at.isoformat(),
    }
    return {
        "id": conflict.pk,
        "path": conflict.path,
        "kind": conflict.kind,
        "severity": conflict.severity,
        "state": conflict.state,
        "changeset": str(changeset),
        "hint": conflict.hint,
        "base": conflict.base,
        "ours": conflict.ours,
        "theirs": conflict.theirs,
        "sides": {"ours": ours, "theirs": theirs},
        "hunks": conflict.hunks,
        "resolution": conflict.resolution or None,
    }


def _refresh(request: Request, organization_id: int, number: int) -> None:
    """Workers may lag behind; who asks about one changeset gets what holds now."""
    changeset = (
        Changeset.objects.visible_to(request.user)
        .filter(organization_id=organization_id, number=number)
        .first()
    )
    if changeset is not None and changeset.is_open:
        detect(changeset)


def _filtered(rows: ConflictQuerySet, request: Request) -> ConflictQuerySet:
    query = request.query_params
    state = query.get("state", "open")
    if state != "all":
        rows = rows.filter(state=_choice("state", state, Conflict.State.values))
    if query.get("slice"):
        rows = rows.filter(changeset__slice__name=query["slice"].rpartition("/")[2])
    if query.get("path"):
        rows = rows.filter(path=query["path"])
    if query.get("severity"):
        rows = rows.filter(severity=_choice("severity", query["severity"], Conflict.Severity.values))
    if query.get("kind"):
        rows = rows.filter(kind=_choice("kind", query["kind"], Conflict.Kind.values))
    return rows


def _choice(name: str, value: str, allowed: list[str]) -> str:
    if value not in allowed:
        raise InvalidRequest(f"{name} is one of {', '.join(allowed)}, not {value!r}")
    return value


def _changeset_number(text: str | None) -> int | None:
    if not text:
        return None
    digits = text.removeprefix("cl-")
    if not digits.isdecimal():
        raise InvalidRequest(f"changeset is like cl-1042, not {text!r}")
    return int(digits)
