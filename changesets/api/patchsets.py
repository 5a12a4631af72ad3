from __future__ import annotations

from typing import Any

import orjson
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import signed_in
from accounts.idempotency import idempotent
from accounts.scopes import READ, WRITE
from changesets.api.access import visible_changeset
from changesets.api.proposals import (
    MAX_LINES_BYTES,
    PARSERS,
    PatchsetBody,
    edits_of,
    flag_of,
    number_of,
    object_of,
    read_proposal,
    text_of,
)
from changesets.models import Patchset
from changesets.reading import add_stats, changeset_detail, changeset_diffs
from changesets.services import add_patchset, amend_changeset
from gitslice.common.errors import InvalidRequest, NotFound
from gitslice.common.pagination import listing


class PatchsetListView(APIView):
    scopes = {"GET": READ, "POST": WRITE}
    parser_classes = PARSERS
    max_body = MAX_LINES_BYTES

    @extend_schema(operation_id="list_patchsets", responses=OpenApiTypes.OBJECT, tags=["changesets"])
    def get(self, request: Request, org: str, number: int) -> Response:
        return Response(listing(changeset_detail(visible_changeset(request.user, org, number))["patchsets"]))

    @extend_schema(
        operation_id="add_patchset",
        request=PatchsetBody,
        responses={201: OpenApiTypes.OBJECT},
        tags=["changesets"],
    )
    def post(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        actor = signed_in(request.user)
        body = object_of(request.data)

        given: dict[str, Any] = {
            "actor": actor,
            "changeset": changeset,
            "message": text_of(body, "message"),
            "expected_patchset": number_of(body, "expected_patchset"),
        }

        def perform() -> tuple[int, dict[str, Any]]:
            if flag_of(body, "amend"):
                made_on = text_of(body, "base") or None
                updated = amend_changeset(**given, edits=edits_of(body), made_on=made_on)
            else:
                updated = add_patchset(**given, proposal=read_proposal(body))
            return 201, changeset_detail(updated)

        return idempotent(request, orjson.dumps(body), perform)


class DiffView(APIView):
    """The diff of a patchset (default: the current one) against the entries it was made on."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="diff_changeset",
        parameters=[OpenApiParameter("patchset", int), OpenApiParameter("stat", bool)],
        responses=OpenApiTypes.OBJECT,
        tags=["changesets"],
    )
    def get(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        patchset = self._patchset(changeset, request.query_params.get("patchset"))
        diffs = changeset_diffs(patchset, with_hunks=request.query_params.get("stat") not in ("1", "true"))
        stats = {"files": 0, "additions": 0, "deletions": 0}
        for diff in diffs:
            stats = add_stats(stats, diff)
        return Response(
            {"changeset": str(changeset), "patchset": patchset.number, "files": diffs, "stats": stats}
        )

    def _patchset(self, changeset: Any, number: str | None) -> Patchset:
        if number is None:
            return changeset.current
        if not number.isdecimal():
            raise InvalidRequest("patchset is a number")
        patchset = changeset.patchsets.filter(number=int(number)).select_related("changeset").first()
        if patchset is None:
            raise NotFound(f"{changeset} has no patchset {number}")
        return patchset
