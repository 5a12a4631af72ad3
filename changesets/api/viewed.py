from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import signed_in
from accounts.models import User
from accounts.scopes import READ, REVIEW
from changesets.api.access import visible_changeset
from changesets.models import Changeset
from changesets.reading import SHOWN_FILES, changeset_pairs
from changesets.viewing import mark_viewed, viewed_paths


class ViewedBody(serializers.Serializer[Any]):
    path = serializers.CharField(max_length=4096, trim_whitespace=False)
    viewed = serializers.BooleanField(default=True)
    patchset = serializers.IntegerField(
        required=False, allow_null=True, help_text="the one that was looked at; default: the current one"
    )


class ViewedFile(serializers.Serializer[Any]):
    path = serializers.CharField()
    viewed = serializers.BooleanField()


class ViewedState(serializers.Serializer[Any]):
    changeset = serializers.CharField()
    patchset = serializers.IntegerField()
    viewed = serializers.IntegerField(help_text="files that the caller has viewed as they are now")
    file_count = serializers.IntegerField()
    items = ViewedFile(many=True, help_text=f"the first {SHOWN_FILES} files")


class ViewedView(APIView):
    """Which files of the current patchset the caller has viewed. A later patchset that changes a file takes its mark
    away; one that does not, or that only brings what others landed, keeps it."""

    scopes = {"GET": READ, "POST": REVIEW}

    @extend_schema(operation_id="list_viewed_files", responses=ViewedState, tags=["changesets"])
    def get(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        return Response(_state(request.user, changeset))

    @extend_schema(
        operation_id="mark_viewed_file", request=ViewedBody, responses=ViewedState, tags=["changesets"]
    )
    def post(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        actor = signed_in(request.user)
        body = ViewedBody(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        mark_viewed(
            actor=actor,
            changeset=changeset,
            patchset=wanted.get("patchset"),
            path=wanted["path"],
            viewed=wanted["viewed"],
        )
        return Response(_state(actor, changeset))


def _state(user: User | AnonymousUser, changeset: Changeset) -> dict[str, Any]:
    pairs = changeset_pairs(changeset.current)
    viewed = viewed_paths(user, changeset, pairs)
    return {
        "changeset": str(changeset),
        "patchset": changeset.current.number,
        "viewed": len(viewed),
        "file_count": len(pairs),
        "items": [{"path": pair.path, "viewed": pair.path in viewed} for pair in pairs[:SHOWN_FILES]],
    }
