"""`/api/v1/global/ORG/`: the global state, its history, batch merges and tags."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import own_organization, signed_in
from accounts.idempotency import idempotent
from accounts.scopes import ADMIN, READ
from gitslice.common.errors import InvalidRequest
from gitslice.common.pagination import Page, listing, whole_key
from slices.api import schemas
from slices.api.access import visible_slice
from slices.global_state.batches import Limits, plan_batch
from slices.global_state.merging import merge_global, require_merger
from slices.global_state.naming import NEWEST, existing_global
from slices.global_state.reading import (
    Sight,
    batch_body,
    global_detail,
    global_rows,
    landed_rows,
    pending_seqs,
    slice_rows,
    status_body,
    tag_bodies,
)
from slices.global_state.tags import create_tag
from slices.models import GlobalCommit, GlobalTag

MOST_COMMITS = 1_000_000


class GlobalMergeBody(serializers.Serializer[Any]):
    max_commits = serializers.IntegerField(required=False, min_value=1, max_value=MOST_COMMITS)
    slices = serializers.ListField(child=serializers.CharField(), required=False, default=list)
    dry_run = serializers.BooleanField(required=False, default=False)


class NewTag(serializers.Serializer[Any]):
    tag = serializers.CharField(max_length=100, trim_whitespace=False)
    commit = serializers.CharField(
        required=False, default=NEWEST, help_text="default: the newest global commit"
    )
    message = serializers.CharField(required=False, default="", allow_blank=True, max_length=10_000)


class GlobalView(APIView):
    """The newest global commit, what waits for the next, and which slices are ahead."""

    scopes = {"GET": READ}

    @extend_schema(operation_id="global_status", responses=OpenApiTypes.OBJECT, tags=["global"])
    def get(self, request: Request, org: str) -> Response:
        user = signed_in(request.user)
        organization = own_organization(user, org)
        return Response(status_body(Sight(user, organization)))


class GlobalSlicesView(APIView):
    """Every slice that the caller sees: how far ahead it is, and when it was last merged."""

    scopes = {"GET": READ}

    @extend_schema(operation_id="global_slices", responses=OpenApiTypes.OBJECT, tags=["global"])
    def get(self, request: Request, org: str) -> Response:
        user = signed_in(request.user)
        organization = own_organization(user, org)
        return Response(listing(slice_rows(Sight(user, organization)), None))


class PendingView(APIView):
    """The landed commits that wait for the next batch merge, in landing order."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="global_pending", parameters=schemas.PAGE, responses=OpenApiTypes.OBJECT, tags=["global"]
    )
    def get(self, request: Request, org: str) -> Response:
        user = signed_in(request.user)
        organization = own_organization(user, org)
        page = Page(request.query_params)
        sight = Sight(user, organization)
        seqs = pending_seqs(sight, 0 if page.after is None else whole_key(page.after))
        shown, cursor = page.cut(seqs[: page.limit + 1], int)
        return Response(listing(landed_rows(sight, shown), cursor))


class GlobalMergeView(APIView):
    """Merge one batch now. Sent again, it merges what has landed since; `pending_commits` says if something is left."""

    scopes = {"POST": ADMIN}

    @extend_schema(
        operation_id="merge_global", request=GlobalMergeBody, responses=OpenApiTypes.OBJECT, tags=["global"]
    )
    def post(self, request: Request, org: str) -> Response:
        user = signed_in(request.user)
        organization = own_organization(user, org)
        body = GlobalMergeBody(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        slices = [visible_slice(user, *_slice_name(org, name)) for name in wanted["slices"]]
        limits = Limits(wanted.get("max_commits"), slices)
        sight = Sight(user, organization)
        if wanted["dry_run"]:
            require_merger(user, organization)
            return Response(batch_body(sight, plan_batch(organization, limits), None) | {"dry_run": True})
        merged, batch = merge_global(actor=user, organization=organization, limits=limits) or (None, None)
        return Response(batch_body(sight, batch, merged) | {"dry_run": False})


class GlobalCommitListView(APIView):
    """The history of the global state, newest first."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="global_commits", parameters=schemas.PAGE, responses=OpenApiTypes.OBJECT, tags=["global"]
    )
    def get(self, request: Request, org: str) -> Response:
        user = signed_in(request.user)
        organization = own_organization(user, org)
        page = Page(request.query_params)
        rows = GlobalCommit.objects.filter(organization=organization).select_related("author", "parent")
        if page.after is not None:
            rows = rows.filter(number__lt=whole_key(page.after))
        found = list(rows.order_by("-number")[: page.limit + 1])
        shown, cursor = page.cut(found, lambda commit: commit.number)
        return Response(listing(global_rows(Sight(user, organization), shown), cursor))


class GlobalCommitView(APIView):
    """One global commit (tag, `g12`, `global`, digits of its id), with the landed commits in it."""

    scopes = {"GET": READ}

    @extend_schema(operation_id="global_commit", responses=OpenApiTypes.OBJECT, tags=["global"])
    def get(self, request: Request, org: str, commit: str) -> Response:
        user = signed_in(request.user)
        organization = own_organization(user, org)
        found = existing_global(organization.pk, commit)
        return Response(global_detail(Sight(user, organization), found))


class TagListView(APIView):
    """Names of global commits, newest first. A tag never moves."""

    scopes = {"GET": READ, "POST": ADMIN}

    @extend_schema(
        operation_id="global_tags", parameters=schemas.PAGE, responses=OpenApiTypes.OBJECT, tags=["global"]
    )
    def get(self, request: Request, org: str) -> Response:
        user = signed_in(request.user)
        organization = own_organization(user, org)
        page = Page(request.query_params)
        rows = GlobalTag.objects.filter(organization=organization).select_related("target", "author")
        if page.after is not None:
            rows = rows.filter(pk__lt=whole_key(page.after))
        shown, cursor = page.cut(list(rows.order_by("-pk")[: page.limit + 1]), lambda tag: tag.pk)
        return Response(listing(tag_bodies(shown), cursor))

    @extend_schema(
        operation_id="create_global_tag",
        request=NewTag,
        responses={201: OpenApiTypes.OBJECT},
        tags=["global"],
    )
    def post(self, request: Request, org: str) -> Response:
        user = signed_in(request.user)
        organization = own_organization(user, org)
        body = NewTag(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data

        def perform() -> tuple[int, dict[str, Any]]:
            tag = create_tag(
                actor=user,
                organization=organization,
                name=wanted["tag"],
                target=existing_global(organization.pk, wanted["commit"]),
                message=wanted["message"],
            )
            return 201, tag_bodies([tag])[0]

        return idempotent(request, repr(sorted(wanted.items())).encode(), perform)


def _slice_name(org: str, text: str) -> tuple[str, str]:
    """`slice` or `org/slice`, of this organization."""
    named, _, name = text.rpartition("/")
    if named not in ("", org):
        raise InvalidRequest(f"{text[:100]!r} is no slice of {org}")
    return org, name
