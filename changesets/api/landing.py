from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import signed_in
from accounts.scopes import WRITE
from changesets.api.access import visible_changeset
from changesets.api.proposals import flag_of, number_of, object_of, text_of
from changesets.landing import Landing, land_patchset
from changesets.reading import changeset_detail
from changesets.services import abandon_changeset, rebase_changeset


class MergeBody(serializers.Serializer[Any]):
    expected_patchset = serializers.IntegerField(required=False, allow_null=True)
    message = serializers.CharField(required=False, allow_null=True)
    force = serializers.BooleanField(required=False)


class RebaseBody(serializers.Serializer[Any]):
    expected_patchset = serializers.IntegerField(required=False, allow_null=True)


class AbandonBody(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True)


class MergeView(APIView):
    """Land the current patchset. Sent again, it gives the same answer."""

    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="merge_changeset", request=MergeBody, responses=OpenApiTypes.OBJECT, tags=["changesets"]
    )
    def post(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        body = object_of(request.data)
        landing = land_patchset(
            actor=signed_in(request.user),
            changeset=changeset,
            expected_patchset=number_of(body, "expected_patchset"),
            message=text_of(body, "message") or None,
            force=flag_of(body, "force"),
        )
        return Response(landing_body(landing))


class RebaseView(APIView):
    """A new patchset on the slice's head; 409 with the conflicts where a path does not merge cleanly."""

    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="rebase_changeset",
        request=RebaseBody,
        responses=OpenApiTypes.OBJECT,
        tags=["changesets"],
    )
    def post(self, request: Request, org: str, number: int) -> Response:
        changeset, plan = rebase_changeset(
            actor=signed_in(request.user),
            changeset=visible_changeset(request.user, org, number),
            expected_patchset=number_of(object_of(request.data), "expected_patchset"),
        )
        base = changeset.current.base
        return Response(
            {
                "changeset": str(changeset),
                "patchset": changeset.current.number,
                "base": bytes(base.digest).hex() if base else None,
                "merged_paths": list(plan.merged),
                "conflicts": [],
            }
        )


class AbandonView(APIView):
    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="abandon_changeset",
        request=AbandonBody,
        responses=OpenApiTypes.OBJECT,
        tags=["changesets"],
    )
    def post(self, request: Request, org: str, number: int) -> Response:
        changeset = abandon_changeset(
            actor=signed_in(request.user),
            changeset=visible_changeset(request.user, org, number),
            reason=text_of(object_of(request.data), "reason"),
        )
        return Response(changeset_detail(changeset))


def landing_body(landing: Landing) -> dict[str, Any]:
    commit = landing.commit
    return {
        "changeset": str(landing.changeset),
        "number": landing.changeset.number,
        "slice": str(landing.changeset.slice),
        "state": landing.changeset.state,
        "patchset": landing.changeset.current.number if landing.changeset.current else None,
        "commit": bytes(commit.digest).hex(),
        "parent": bytes(commit.parent.digest).hex() if commit.parent else None,
        "files": commit.file_count,
        "merged_paths": landing.merged_paths,
        "conflicts": [],
    }
