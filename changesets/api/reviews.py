"""Reviews of a changeset: verdicts and their withdrawal, reviewers, what is missing to land."""

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
from accounts.scopes import READ, REVIEW, WRITE
from changesets.api.access import visible_changeset
from changesets.api.proposals import number_of, object_of, text_of
from changesets.models import Review
from changesets.reading import changeset_detail
from changesets.reviewing import change_reviewers, review_changeset, withdraw_review
from changesets.suggestions import apply_suggestions
from changesets.summaries import review_summary
from gitslice.common.errors import InvalidRequest
from gitslice.common.pagination import listing


class ReviewBody(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(
        choices=Review.Verdict.choices, help_text="reject asks for changes; comment decides nothing"
    )
    body = serializers.CharField(required=False, allow_blank=True)
    expected_patchset = serializers.IntegerField(required=False, allow_null=True)


class ReviewersBody(serializers.Serializer[Any]):
    add = serializers.ListField(child=serializers.CharField(), required=False)
    remove = serializers.ListField(child=serializers.CharField(), required=False)


class SuggestionsBody(serializers.Serializer[Any]):
    comments = serializers.ListField(
        child=serializers.IntegerField(), help_text="ids of comments that suggest something"
    )
    message = serializers.CharField(required=False, allow_blank=True)
    expected_patchset = serializers.IntegerField(required=False, allow_null=True)
    seen = serializers.DictField(
        child=serializers.CharField(allow_blank=True),
        required=False,
        help_text="comment id -> its edited_at as it was read, empty for none; refused if it is another by now",
    )


class ReviewSummaryView(APIView):
    """Readiness; `requirements` has a line for each thing that landing asks for, met or not, and what to do next."""

    scopes = {"GET": READ}

    @extend_schema(operation_id="review_changeset", responses=OpenApiTypes.OBJECT, tags=["changesets"])
    def get(self, request: Request, org: str, number: int) -> Response:
        return Response(review_summary(visible_changeset(request.user, org, number), request.user))


class ReviewListView(APIView):
    """Verdicts on patchsets. A new one takes along all drafts that the caller has."""

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

        def perform() -> tuple[int, dict[str, Any]]:
            reviewed = review_changeset(
                actor=actor,
                changeset=changeset,
                verdict=text_of(body, "verdict"),
                body=text_of(body, "body"),
                expected_patchset=number_of(body, "expected_patchset"),
            )
            return 201, changeset_detail(reviewed)

        return idempotent(request, orjson.dumps(body), perform)


class WithdrawView(APIView):
    """Take back what one decided about the current patchset; nothing happens if that is nothing."""

    scopes = {"POST": REVIEW}

    @extend_schema(
        operation_id="withdraw_review", request=None, responses=OpenApiTypes.OBJECT, tags=["changesets"]
    )
    def post(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        return Response(changeset_detail(withdraw_review(actor=signed_in(request.user), changeset=changeset)))


class ReviewersView(APIView):
    """Ask people for a review, or no longer."""

    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="change_reviewers",
        request=ReviewersBody,
        responses=OpenApiTypes.OBJECT,
        tags=["changesets"],
    )
    def post(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        body = object_of(request.data)
        changed = change_reviewers(
            actor=signed_in(request.user),
            changeset=changeset,
            add=_names(body, "add"),
            remove=_names(body, "remove"),
        )
        return Response(changeset_detail(changed))


class SuggestionsView(APIView):
    """Apply what comments suggest, all or none, as a new patchset. The changeset's author may."""

    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="apply_suggestions",
        request=SuggestionsBody,
        responses={201: OpenApiTypes.OBJECT},
        tags=["changesets"],
    )
    def post(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        actor = signed_in(request.user)
        body = SuggestionsBody(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data

        def perform() -> tuple[int, dict[str, Any]]:
            changed = apply_suggestions(
                actor=actor,
                changeset=changeset,
                comment_ids=wanted["comments"],
                message=wanted.get("message", ""),
                expected_patchset=wanted.get("expected_patchset"),
                seen={int(pk): edited for pk, edited in wanted.get("seen", {}).items() if pk.isdecimal()},
            )
            return 201, changeset_detail(changed)

        return idempotent(request, orjson.dumps(request.data), perform)


def _names(body: dict[str, Any], field: str) -> list[str]:
    names = body.get(field) or []
    if not isinstance(names, list) or not all(isinstance(name, str) and "\0" not in name for name in names):
        raise InvalidRequest(f"{field} is a list of user names")
    return names
