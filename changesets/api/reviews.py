from __future__ import annotations

from typing import Any

import orjson
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import signed_in
from accounts.idempotency import idempotent
from accounts.scopes import READ, REVIEW
from changesets.api.access import visible_changeset
from changesets.api.proposals import number_of, object_of, text_of
from changesets.models import Comment, Review
from changesets.reading import changeset_detail, review_summary
from changesets.services import comment_on_changeset, review_changeset
from gitslice.common.errors import InvalidRequest
from gitslice.common.pagination import Page, listing, whole_key


class ReviewBody(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(choices=Review.Verdict.choices)
    body = serializers.CharField(required=False, allow_blank=True)
    expected_patchset = serializers.IntegerField(required=False, allow_null=True)


class CommentBody(serializers.Serializer[Any]):
    body = serializers.CharField()
    path = serializers.CharField(required=False, allow_blank=True)
    line = serializers.IntegerField(required=False, allow_null=True, min_value=1)


class ReviewSummaryView(APIView):
    scopes = {"GET": READ}

    @extend_schema(operation_id="review_changeset", responses=OpenApiTypes.OBJECT, tags=["changesets"])
    def get(self, request: Request, org: str, number: int) -> Response:
        return Response(review_summary(visible_changeset(request.user, org, number), request.user))


class ReviewListView(APIView):
    scopes = {"GET": READ, "POST": REVIEW}

    @extend_schema(operation_id="list_reviews", responses=OpenApiTypes.OBJECT, tags=["changesets"])
    def get(self, request: Request, org: str, number: int) -> Response:
        return Response(listing(changeset_detail(visible_changeset(request.user, org, number))["reviews"]))

    @extend_schema(
        operation_id="add_review",
        request=ReviewBody,
        responses={201: OpenApiTypes.OBJECT},
        tags=["changesets"],
    )
    def post(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        actor = signed_in(request.user)
        body = object_of(request.data)
        if body.get("verdict") not in Review.Verdict.values:
            raise InvalidRequest("verdict is approve or reject")

        def perform() -> tuple[int, dict[str, Any]]:
            reviewed = review_changeset(
                actor=actor,
                changeset=changeset,
                verdict=body["verdict"],
                body=text_of(body, "body"),
                expected_patchset=number_of(body, "expected_patchset"),
            )
            return 201, changeset_detail(reviewed)

        return idempotent(request, orjson.dumps(body), perform)


class CommentListView(APIView):
    scopes = {"GET": READ, "POST": REVIEW}

    @extend_schema(operation_id="list_comments", responses=OpenApiTypes.OBJECT, tags=["changesets"])
    def get(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        page = Page(request.query_params)
        rows = (
            changeset.comments.select_related("author", "patchset")
            .filter(pk__gt=whole_key(page.after or 0))
            .order_by("pk")
        )
        shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda comment: comment.pk)
        return Response(listing(map(comment_body, shown), cursor))

    @extend_schema(
        operation_id="add_comment",
        request=CommentBody,
        responses={201: OpenApiTypes.OBJECT},
        tags=["changesets"],
    )
    def post(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        actor = signed_in(request.user)
        body = CommentBody(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data

        def perform() -> tuple[int, dict[str, Any]]:
            comment = comment_on_changeset(
                actor=actor,
                changeset=changeset,
                body=wanted["body"],
                path=wanted.get("path", ""),
                line=wanted.get("line"),
            )
            return 201, comment_body(comment)

        return idempotent(request, orjson.dumps(request.data), perform)


def comment_body(comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.pk,
        "changeset": str(comment.changeset),
        "state": comment.changeset.state,
        "author": comment.author.username,
        "patchset": comment.patchset.number,
        "path": comment.path or None,
        "line": comment.line,
        "body": comment.body,
        "time": comment.created_at.isoformat(),
    }
