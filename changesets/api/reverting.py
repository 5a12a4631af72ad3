"""Undo of commits and global commits, as changesets."""

from __future__ import annotations

from typing import Any

import orjson
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import own_organization, signed_in
from accounts.idempotency import idempotent
from accounts.models import User
from accounts.scopes import ADMIN, WRITE
from changesets.api.proposals import flag_of, object_of, text_of
from changesets.collision_bodies import collision_bodies
from changesets.plans import load_edits
from changesets.reverting import Revert, revert_commit, revert_global
from slices.api.access import visible_slice
from slices.global_state.naming import existing_global
from slices.history import landed_commit

SHOWN_FILES = 1000


class RevertBody(serializers.Serializer[Any]):
    title = serializers.CharField(required=False, allow_blank=True, max_length=500)


class GlobalRevertBody(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField(required=False, help_text="only show what it would do")


class RevertView(APIView):
    """A changeset that undoes a commit. `conflicts` are the paths on which something landed since that does not merge
    with that; resolve them as in any changeset."""

    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="revert_commit",
        request=RevertBody,
        responses={201: OpenApiTypes.OBJECT},
        tags=["commits"],
    )
    def post(self, request: Request, org: str, name: str, commit: str) -> Response:
        slice = visible_slice(request.user, org, name)
        actor, body = signed_in(request.user), object_of(request.data)

        def perform() -> tuple[int, dict[str, Any]]:
            found = landed_commit(slice, commit)
            revert = revert_commit(actor=actor, slice=slice, commit=found, title=text_of(body, "title"))
            return 201, revert_body(revert, actor)

        return idempotent(request, orjson.dumps(body), perform)


class GlobalRevertView(APIView):
    """A changeset in the root slice that undoes a whole global commit, or a preview of it."""

    scopes = {"POST": ADMIN}

    @extend_schema(
        operation_id="revert_global_commit",
        request=GlobalRevertBody,
        responses={201: OpenApiTypes.OBJECT},
        tags=["global"],
    )
    def post(self, request: Request, org: str, commit: str) -> Response:
        actor, body = signed_in(request.user), object_of(request.data)
        organization = own_organization(actor, org)
        preview = flag_of(body, "dry_run")

        def perform() -> tuple[int, dict[str, Any]]:
            merged = existing_global(organization.pk, commit)
            revert = revert_global(actor=actor, merged=merged, preview=preview)
            body = revert_body(revert, actor) | {"dry_run": preview}
            return (200, _unmade(body)) if preview else (201, body)

        return idempotent(request, orjson.dumps(body), perform)


def _unmade(body: dict[str, Any]) -> dict[str, Any]:
    """What is shown of a changeset that is not kept: nothing that names it."""
    conflicts = [conflict | {"changeset": None} for conflict in body["conflicts"]]
    return body | {"changeset": None, "number": None, "state": None, "conflicts": conflicts}


def revert_body(revert: Revert, reader: User) -> dict[str, Any]:
    """The changeset, what it does to each path (the first SHOWN_FILES), and what does not merge."""
    changeset, edits = revert.changeset, load_edits(revert.plan.patchset)
    return {
        "changeset": str(changeset),
        "number": changeset.number,
        "slice": str(changeset.slice),
        "title": changeset.title,
        "state": changeset.state,
        "files": [{"path": edit.path, "op": edit.op} for edit in edits[:SHOWN_FILES]],
        "file_count": len(edits),
        "merged_paths": list(revert.plan.merged),
        "conflicts": collision_bodies(changeset, revert.plan.collisions, reader),
    }
