"""What is said about a changeset: comments, threads of them on lines, drafts that only their writer sees."""

from __future__ import annotations

from typing import Any
from uuid import UUID

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
from changesets.conversation import comment_body, draft_body, thread_bodies
from changesets.models import Thread
from changesets.placing import Spot
from changesets.talking import (
    Said,
    comment_on_changeset,
    delete_comment,
    discard_drafts,
    draft_comment,
    drafts_of,
    edit_comment,
    edit_draft,
    resolve_thread,
)
from gitslice.common.pagination import Page, listing, whole_key


class TextBody(serializers.Serializer[Any]):
    body = serializers.CharField(
        help_text="Markdown; a block fenced by ```suggestion says what the lines shall be"
    )


class CommentBody(TextBody):
    path = serializers.CharField(required=False, allow_blank=True)
    line = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    start = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        help_text="the first of several lines, of which line is the last",
    )
    side = serializers.ChoiceField(Thread.Side.values, required=False, help_text="new (default) or old")
    thread = serializers.IntegerField(required=False, allow_null=True, help_text="the thread to answer in")
    patchset = serializers.IntegerField(
        required=False, allow_null=True, help_text="of which the lines are; default: the current one"
    )


class CommentListView(APIView):
    scopes = {"GET": READ, "POST": REVIEW}

    @extend_schema(operation_id="list_comments", responses=OpenApiTypes.OBJECT, tags=["changesets"])
    def get(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        page = Page(request.query_params)
        rows = (
            changeset.comments.select_related("author", "patchset", "thread", "applied_in")
            .filter(pk__gt=whole_key(page.after or 0))
            .order_by("pk")
        )
        shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda comment: comment.pk)
        return Response(listing([comment_body(changeset, comment) for comment in shown], cursor))

    @extend_schema(
        operation_id="add_comment",
        request=CommentBody,
        responses={201: OpenApiTypes.OBJECT},
        tags=["changesets"],
    )
    def post(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        actor = signed_in(request.user)
        wanted = _wanted(request)

        def perform() -> tuple[int, dict[str, Any]]:
            comment = comment_on_changeset(
                actor=actor,
                changeset=changeset,
                body=wanted["body"],
                path=wanted.get("path", ""),
                line=wanted.get("line"),
                start=wanted.get("start"),
                side=wanted.get("side", Thread.Side.NEW),
                thread_id=wanted.get("thread"),
                patchset=wanted.get("patchset"),
            )
            return 201, comment_body(changeset, comment)

        return idempotent(request, orjson.dumps(request.data), perform)


class CommentView(APIView):
    """One's own comment. What it said before stays in the administration."""

    scopes = {"PATCH": REVIEW, "DELETE": REVIEW}

    @extend_schema(
        operation_id="edit_comment", request=TextBody, responses=OpenApiTypes.OBJECT, tags=["changesets"]
    )
    def patch(self, request: Request, org: str, number: int, comment_id: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        body = TextBody(data=request.data)
        body.is_valid(raise_exception=True)
        comment = edit_comment(
            actor=signed_in(request.user),
            changeset=changeset,
            comment_id=whole_key(comment_id),
            body=body.validated_data["body"],
        )
        return Response(comment_body(changeset, comment))

    @extend_schema(operation_id="delete_comment", responses={204: None}, tags=["changesets"])
    def delete(self, request: Request, org: str, number: int, comment_id: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        delete_comment(actor=signed_in(request.user), changeset=changeset, comment_id=whole_key(comment_id))
        return Response(status=204)


class ThreadListView(APIView):
    """Threads on lines, with their comments, and where their lines stand in the current patchset (`now`; null: outdated)."""

    scopes = {"GET": READ}

    @extend_schema(operation_id="list_threads", responses=OpenApiTypes.OBJECT, tags=["changesets"])
    def get(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        page = Page(request.query_params)
        rows = changeset.threads.filter(pk__gt=whole_key(page.after or 0)).order_by("pk")
        shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda thread: thread.pk)
        return Response(listing(thread_bodies(changeset, shown), cursor))


class ThreadResolveView(APIView):
    """The changeset's author may, who takes part in the thread, and who may review."""

    scopes = {"POST": REVIEW}
    resolved = True

    @extend_schema(
        operation_id="resolve_thread", request=None, responses=OpenApiTypes.OBJECT, tags=["changesets"]
    )
    def post(self, request: Request, org: str, number: int, thread_id: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        thread = resolve_thread(
            actor=signed_in(request.user),
            changeset=changeset,
            thread_id=whole_key(thread_id),
            resolved=self.resolved,
        )
        return Response(thread_bodies(changeset, [thread])[0])


class ThreadReopenView(ThreadResolveView):
    resolved = False

    @extend_schema(
        operation_id="reopen_thread", request=None, responses=OpenApiTypes.OBJECT, tags=["changesets"]
    )
    def post(self, request: Request, org: str, number: int, thread_id: int) -> Response:
        return super().post(request, org, number, thread_id)


class DraftListView(APIView):
    """One's own comments that wait for one's review of the changeset (`reviews/`), which submits them all."""

    scopes = {"GET": READ, "POST": REVIEW, "DELETE": REVIEW}

    @extend_schema(operation_id="list_drafts", responses=OpenApiTypes.OBJECT, tags=["changesets"])
    def get(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        drafts = drafts_of(signed_in(request.user), changeset).select_related("patchset")
        return Response(listing([draft_body(changeset, draft) for draft in drafts]))

    @extend_schema(
        operation_id="add_draft",
        request=CommentBody,
        responses={201: OpenApiTypes.OBJECT},
        tags=["changesets"],
    )
    def post(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        actor = signed_in(request.user)
        wanted = _wanted(request)
        path = wanted.get("path", "")
        spot = Spot(path, wanted.get("line"), wanted.get("start"), wanted.get("side", Thread.Side.NEW))
        said = Said(wanted["body"], spot if path else None, wanted.get("thread"), wanted.get("patchset"))

        def perform() -> tuple[int, dict[str, Any]]:
            return 201, draft_body(changeset, draft_comment(actor=actor, changeset=changeset, said=said))

        return idempotent(request, orjson.dumps(request.data), perform)

    @extend_schema(operation_id="discard_drafts", responses={204: None}, tags=["changesets"])
    def delete(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        discard_drafts(actor=signed_in(request.user), changeset=changeset)
        return Response(status=204)


class DraftView(APIView):
    scopes = {"PATCH": REVIEW, "DELETE": REVIEW}

    @extend_schema(
        operation_id="edit_draft", request=TextBody, responses=OpenApiTypes.OBJECT, tags=["changesets"]
    )
    def patch(self, request: Request, org: str, number: int, draft_id: UUID) -> Response:
        changeset = visible_changeset(request.user, org, number)
        body = TextBody(data=request.data)
        body.is_valid(raise_exception=True)
        text = body.validated_data["body"]
        draft = edit_draft(actor=signed_in(request.user), changeset=changeset, draft_id=draft_id, body=text)
        return Response(draft_body(changeset, draft))

    @extend_schema(operation_id="discard_draft", responses={204: None}, tags=["changesets"])
    def delete(self, request: Request, org: str, number: int, draft_id: UUID) -> Response:
        changeset = visible_changeset(request.user, org, number)
        discard_drafts(actor=signed_in(request.user), changeset=changeset, draft_id=draft_id)
        return Response(status=204)


def _wanted(request: Request) -> dict[str, Any]:
    body = CommentBody(data=request.data)
    body.is_valid(raise_exception=True)
    return body.validated_data
