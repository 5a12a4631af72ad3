from __future__ import annotations

from typing import Any

import orjson
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import signed_in
from accounts.idempotency import idempotent
from accounts.models import User
from accounts.scopes import READ, WRITE
from changesets.api.access import visible_changeset
from changesets.api.landing import landing_body
from changesets.api.proposals import (
    MAX_LINES_BYTES,
    PARSERS,
    ChangesetBody,
    flag_of,
    object_of,
    read_proposal,
    text_of,
)
from changesets.attention import with_attention
from changesets.landing import Landing, land_patchset
from changesets.models import Changeset
from changesets.reading import changeset_body, changeset_detail
from changesets.services import create_changeset
from changesets.signals import changeset_changed
from gitslice.common.errors import DomainError, InvalidRequest
from gitslice.common.pagination import Page, listing, whole_key
from slices.api.access import visible_slice
from slices.holders import readers_named
from slices.models import Slice

FILTERS = [
    OpenApiParameter(name)
    for name in ("org", "slice", "status", "author", "mine", "attention", "q", "limit", "cursor")
]


class ChangesetListView(APIView):
    scopes = {"GET": READ}

    @extend_schema(
        operation_id="list_changesets", parameters=FILTERS, responses=OpenApiTypes.OBJECT, tags=["changesets"]
    )
    def get(self, request: Request) -> Response:
        return _listed(request, Changeset.objects.visible_to(request.user))


class SliceChangesetListView(APIView):
    scopes = {"GET": READ, "POST": WRITE}
    parser_classes = PARSERS
    max_body = MAX_LINES_BYTES

    @extend_schema(
        operation_id="list_slice_changesets",
        parameters=FILTERS,
        responses=OpenApiTypes.OBJECT,
        tags=["changesets"],
    )
    def get(self, request: Request, org: str, name: str) -> Response:
        slice = visible_slice(request.user, org, name)
        return _listed(request, Changeset.objects.filter(slice=slice))

    @extend_schema(
        operation_id="create_changeset",
        request=ChangesetBody,
        responses={201: OpenApiTypes.OBJECT},
        tags=["changesets"],
    )
    def post(self, request: Request, org: str, name: str) -> Response:
        slice = visible_slice(request.user, org, name)
        actor = signed_in(request.user)
        body = object_of(request.data)
        made: list[Changeset] = []
        merge = flag_of(body, "merge")

        def perform() -> tuple[int, dict[str, Any]]:
            changeset = create_changeset(
                actor=actor,
                slice=slice,
                title=text_of(body, "title"),
                description=text_of(body, "description"),
                proposal=read_proposal(body),
                reviewers=_reviewers(slice, body.get("reviewers", [])),
                announce=not merge,
            )
            if not merge:
                return 201, changeset_detail(changeset)
            made.append(changeset)
            return 201, {"number": changeset.number}

        response = idempotent(request, orjson.dumps(body), perform)
        if merge:
            changeset = made[0] if made else visible_changeset(actor, org, response.data["number"])
            response.data = landing_body(_landed(actor, changeset))
        return response


class ChangesetView(APIView):
    scopes = {"GET": READ}

    @extend_schema(operation_id="get_changeset", responses=OpenApiTypes.OBJECT, tags=["changesets"])
    def get(self, request: Request, org: str, number: int) -> Response:
        return Response(changeset_detail(visible_changeset(request.user, org, number)))


def _landed(actor: User, changeset: Changeset) -> Landing:
    """Land a changeset that was made in the same request; a refusal names it, for it stays open."""
    try:
        return land_patchset(actor=actor, changeset=changeset)
    except DomainError as error:
        error.details.setdefault("changeset", str(changeset))
        changeset_changed.send(Changeset, changeset_id=changeset.pk)
        raise


def _listed(request: Request, rows: QuerySet[Changeset]) -> Response:
    page = Page(request.query_params)
    rows = _filtered(rows, request)
    if page.after is not None:
        rows = rows.filter(pk__lt=whole_key(page.after))
    rows = rows.select_related("slice__organization", "author", "patchset", "commit").order_by("-pk")
    rows = with_attention(rows)
    shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda changeset: changeset.pk)
    return Response(listing(map(changeset_body, shown), cursor))


def _filtered(rows: QuerySet[Changeset], request: Request) -> QuerySet[Changeset]:
    query = request.query_params
    if query.get("org"):
        rows = rows.filter(organization__slug=query["org"])
    if query.get("slice"):
        org, _, name = query["slice"].partition("/")
        rows = rows.filter(organization__slug=org, slice__name=name)
    if query.get("status") == "open":
        rows = rows.filter(state__in=Changeset.OPEN_STATES)
    elif query.get("status"):
        if query["status"] not in Changeset.State.values:
            raise InvalidRequest(f"status is open or one of {', '.join(Changeset.State.values)}")
        rows = rows.filter(state=query["status"])
    if query.get("author"):
        rows = rows.filter(author__username=query["author"])
    if query.get("mine"):
        rows = rows.filter(author=signed_in(request.user))
    if query.get("attention"):
        rows = rows.filter(attention__user=signed_in(request.user))
    if query.get("q"):
        rows = rows.filter(title__icontains=query["q"])
    return rows


def _reviewers(slice: Slice, names: Any) -> list[User]:
    """Those who may see the changeset to be."""
    if not isinstance(names, list) or not all(isinstance(name, str) and "\0" not in name for name in names):
        raise InvalidRequest("reviewers is a list of user names")
    users = readers_named(slice, names)
    unknown = set(names) - {user.username for user in users}
    if unknown:
        raise InvalidRequest(f"{sorted(unknown)[0]!r} is nobody who may see {slice}")
    return users
