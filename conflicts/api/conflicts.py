from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import signed_in, visible_organization
from accounts.models import User
from accounts.scopes import READ, REVIEW, WRITE
from changesets.api.access import visible_changeset
from changesets.api.proposals import object_of
from changesets.models import Changeset
from conflicts.bodies import RELATED, conflict_bodies, event_bodies
from conflicts.detection import detect
from conflicts.errors import ConflictNotFound
from conflicts.models import Conflict, ConflictEvent
from conflicts.querysets import ConflictQuerySet
from conflicts.services import assign_conflict, comment_on_conflict
from gitslice.common.errors import InvalidRequest, NotFound
from gitslice.common.pagination import Page, listing, whole_key
from slices.api.access import visible_slice

NAMES = ("slice", "changeset", "path", "severity", "kind", "state", "assignee", "with", "limit", "cursor")
TELLING = (
    "severity",
    "kind",
    "assignee",
    "with",
)  # who does not see the other side learns nothing by asking for these
FILTERS = [OpenApiParameter(name) for name in NAMES]


class ConflictListView(APIView):
    """Conflicts of an organization's changesets; open ones unless `state=all`. With `changeset`, looked up afresh."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="list_conflicts", parameters=FILTERS, responses=OpenApiTypes.OBJECT, tags=["conflicts"]
    )
    def get(self, request: Request, org: str) -> Response:
        organization = visible_organization(request.user, org)
        rows = Conflict.objects.visible_to(request.user).filter(organization=organization)
        number = _changeset_number(request.query_params.get("changeset"))
        changeset = _fresh(request, org, number) if number is not None else None
        if changeset is not None:
            rows = rows.of_changeset(changeset.pk)
        page = Page(request.query_params)
        if any(request.query_params.get(name) for name in TELLING):
            rows = rows.told_to(request.user)
        rows = _filtered(rows, request, org).filter(pk__gt=whole_key(page.after or 0))
        found = list(rows.select_related(*RELATED).order_by("pk")[: page.limit + 1])
        shown, cursor = page.cut(found, lambda conflict: conflict.pk)
        bodies = conflict_bodies(shown, request.user, changeset.pk if changeset else None)
        return Response(listing(bodies, cursor))


class ConflictView(APIView):
    scopes = {"GET": READ, "PATCH": WRITE}

    @extend_schema(operation_id="get_conflict", responses=OpenApiTypes.OBJECT, tags=["conflicts"])
    def get(self, request: Request, org: str, conflict_id: int) -> Response:
        return _answer(request, visible_conflict(request, org, conflict_id))

    @extend_schema(
        operation_id="assign_conflict",
        request=OpenApiTypes.OBJECT,
        responses=OpenApiTypes.OBJECT,
        tags=["conflicts"],
    )
    def patch(self, request: Request, org: str, conflict_id: int) -> Response:
        """`{"assignee": USERNAME or null}`: who takes care of it."""
        actor = signed_in(request.user)
        conflict = visible_conflict(request, org, conflict_id)
        body = object_of(request.data)
        if "assignee" not in body:
            raise InvalidRequest("name the assignee, or null for nobody")
        assign_conflict(actor=actor, conflict=conflict, assignee=_person(body["assignee"]))
        return _answer(request, visible_conflict(request, org, conflict_id))


class ConflictEventsView(APIView):
    scopes = {"GET": READ}

    @extend_schema(
        operation_id="list_conflict_events",
        parameters=[OpenApiParameter("limit"), OpenApiParameter("cursor")],
        responses=OpenApiTypes.OBJECT,
        tags=["conflicts"],
    )
    def get(self, request: Request, org: str, conflict_id: int) -> Response:
        """What happened to the conflict, oldest first."""
        conflict = visible_conflict(request, org, conflict_id)
        return _events(request, Conflict.objects.filter(pk=conflict.pk))


class ConflictHistoryView(APIView):
    """Who collided at a path and who chose what, oldest first."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="list_conflict_history",
        parameters=[
            OpenApiParameter("path", required=True),
            OpenApiParameter("limit"),
            OpenApiParameter("cursor"),
        ],
        responses=OpenApiTypes.OBJECT,
        tags=["conflicts"],
    )
    def get(self, request: Request, org: str) -> Response:
        organization = visible_organization(request.user, org)
        path = request.query_params.get("path")
        if not path:
            raise InvalidRequest("path is missing")
        rows = Conflict.objects.visible_to(request.user).filter(organization=organization)
        return _events(request, rows.at(path, request.user))


class ConflictCommentsView(APIView):
    scopes = {"POST": REVIEW}

    @extend_schema(
        operation_id="comment_on_conflict",
        request=OpenApiTypes.OBJECT,
        responses=OpenApiTypes.OBJECT,
        tags=["conflicts"],
    )
    def post(self, request: Request, org: str, conflict_id: int) -> Response:
        """`{"body": TEXT}`; both sides read it, if they may see each other."""
        actor = signed_in(request.user)
        conflict = visible_conflict(request, org, conflict_id)
        text = object_of(request.data).get("body")
        if not isinstance(text, str):
            raise InvalidRequest("body is a text")
        event = comment_on_conflict(actor=actor, conflict=conflict, body=text)
        [answer] = event_bodies([event], request.user)
        return Response(answer, status=201)


def visible_conflict(request: Request, org: str, conflict_id: int) -> Conflict:
    """The conflict, or ConflictNotFound unless the caller sees a side of it."""
    rows = Conflict.objects.visible_to(request.user).filter(organization__slug=org, pk=conflict_id)
    conflict = rows.select_related(*RELATED).first()
    if conflict is None:
        signed_in(request.user)
        raise ConflictNotFound(f"there is no conflict {conflict_id} in {org}")
    return conflict


def _answer(request: Request, conflict: Conflict) -> Response:
    [body] = conflict_bodies([conflict], request.user)
    return Response(body)


def _events(request: Request, conflicts: ConflictQuerySet) -> Response:
    """A page of what happened to the conflicts, oldest first, as far as the caller is told."""
    page = Page(request.query_params)
    events = ConflictEvent.objects.told_to(request.user).filter(
        conflict__in=conflicts, pk__gt=whole_key(page.after or 0)
    )
    related = ("actor", *(f"conflict__{name}" for name in RELATED))
    found = list(events.select_related(*related).order_by("pk")[: page.limit + 1])
    shown, cursor = page.cut(found, lambda event: event.pk)
    return Response(listing(event_bodies(shown, request.user), cursor))


def _person(username: object) -> User | None:
    if username is None:
        return None
    user = (
        User.objects.filter(username=username, is_active=True).first() if isinstance(username, str) else None
    )
    if user is None:
        raise NotFound(f"there is no user {username!r}")
    return user


def _fresh(request: Request, org: str, number: int) -> Changeset:
    """Workers may lag behind; who asks about one changeset gets what holds now."""
    changeset = visible_changeset(request.user, org, number)
    if changeset.is_open:
        detect(changeset)
    return changeset


def _filtered(rows: ConflictQuerySet, request: Request, org: str) -> ConflictQuerySet:
    query = request.query_params
    state = query.get("state", "open")
    if state != "all":
        rows = rows.filter(state=_choice("state", state, Conflict.State.values))
    if query.get("slice"):
        slice = visible_slice(request.user, org, query["slice"].rpartition("/")[2])
        rows = rows.of_slice(org, slice.name, request.user)
    if query.get("path"):
        rows = rows.at(query["path"], request.user)
    if query.get("severity"):
        rows = rows.filter(severity=_choice("severity", query["severity"], Conflict.Severity.values))
    if query.get("kind"):
        rows = rows.filter(kind=_choice("kind", query["kind"], Conflict.Kind.values))
    if query.get("assignee"):
        rows = rows.filter(assignee__username=query["assignee"])
    if query.get("with"):
        landed = _choice("with", query["with"], ["landed", "open"]) == "landed"
        rows = rows.filter(their_changeset__isnull=landed)
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
