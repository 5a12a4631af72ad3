"""The log of a slice, its commits, and what differs between two."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.scopes import READ
from gitslice.common.errors import InvalidRequest
from gitslice.common.pagination import Page, listing, whole_key
from slices.api import queries, schemas
from slices.api.access import visible_slice
from slices.api.streams import REVALIDATE, is_known
from slices.changes import changed_between, changed_by, joined_renames
from slices.diffs import file_diffs
from slices.errors import CommitNotFound
from slices.history import HEAD, LogFilter, log, settled_commit
from slices.log_bodies import commit_detail, commit_rows
from slices.models import Commit, Slice
from slices.patterns import definition_of


class CommitListView(APIView):
    """The log, newest first."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="slice_commits",
        parameters=[
            OpenApiParameter("since", OpenApiTypes.DATETIME, description="landed at or after"),
            OpenApiParameter("until", OpenApiTypes.DATETIME, description="landed at or before"),
            OpenApiParameter("author", description="user name"),
            OpenApiParameter("grep", description="text in the message"),
            OpenApiParameter("path", description="commits that touch this file or folder"),
            *schemas.PAGE,
        ],
        responses=schemas.CommitPage,
        tags=["commits"],
    )
    def get(self, request: Request, org: str, name: str) -> Response:
        slice = visible_slice(request.user, org, name)
        page = Page(request.query_params)
        wanted = LogFilter(
            since=queries.time(request, "since"),
            until=queries.time(request, "until"),
            author=queries.text(request, "author"),
            grep=queries.text(request, "grep"),
            path=queries.path(request),
        )
        found = log(
            slice, wanted, before=None if page.after is None else whole_key(page.after), limit=page.limit + 1
        )
        shown, cursor = page.cut(found, lambda commit: commit.seq)
        return Response(listing(commit_rows(slice, shown, request.user), cursor))


class CommitView(APIView):
    """One commit: what it did to the paths of the slice. Others that it touched are only counted."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="slice_commit", responses={200: schemas.CommitDetail, 304: None}, tags=["commits"]
    )
    def get(self, request: Request, org: str, name: str, commit: str) -> Response:
        slice = visible_slice(request.user, org, name)
        found = existing_commit(slice, commit, request.user)
        return tagged(request, slice, found, lambda: commit_detail(slice, found, request.user))


class CommitDiffView(APIView):
    scopes = {"GET": READ}

    @extend_schema(
        operation_id="slice_commit_diff",
        parameters=[schemas.STAT],
        responses={200: schemas.CommitDiff, 304: None},
        tags=["commits"],
    )
    def get(self, request: Request, org: str, name: str, commit: str) -> Response:
        slice = visible_slice(request.user, org, name)
        found = existing_commit(slice, commit, request.user)
        stat = queries.flag(request, "stat")

        def body() -> dict[str, Any]:
            pairs = joined_renames(changed_by(slice, found))
            return {
                "commit": str(found),
                "files": file_diffs(slice.organization_id, pairs, with_hunks=not stat),
            }

        return tagged(request, slice, found, body, "stat" if stat else "diff")


class DiffView(APIView):
    """What differs between the slice at two commits, in either direction. One at which it was empty is null."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="slice_diff",
        parameters=[
            OpenApiParameter("from", required=True, description="commit"),
            OpenApiParameter("to", description="commit, by default HEAD"),
            OpenApiParameter("path", description="only this file or folder"),
            schemas.STAT,
        ],
        responses=schemas.Diff,
        tags=["commits"],
    )
    def get(self, request: Request, org: str, name: str) -> Response:
        slice = visible_slice(request.user, org, name)
        if not queries.text(request, "from"):
            raise InvalidRequest("from names a commit")
        before = settled_commit(slice, queries.text(request, "from"), request.user)
        after = settled_commit(slice, queries.text(request, "to") or HEAD, request.user)
        pairs = changed_between(slice, before, after, queries.path(request))
        diffs = file_diffs(slice.organization_id, pairs, with_hunks=not queries.flag(request, "stat"))
        names = {"from": before and before.state_name, "to": after and after.state_name}
        return Response(names | {"files": diffs})


def existing_commit(slice: Slice, text: str, reader: User | AnonymousUser) -> Commit:
    """The commit, or CommitNotFound: `HEAD` names none while nothing has landed, nor a global commit that has nothing of
    the slice."""
    commit = settled_commit(slice, text, reader)
    if commit is None:
        told = "nothing has landed in it yet" if text.upper() == HEAD else f"it was empty at {text[:80]}"
        raise CommitNotFound(f"{slice} has no such commit: {told}")
    return commit


def tagged(request: Request, slice: Slice, commit: Commit, body: Any, kind: str = "commit") -> Response:
    """What is shown depends on the commit, and on what the slice covers and the reader may see now."""
    reader = request.user.pk or "anyone"
    etag = f'"{kind}-{commit.state_name}-{bytes(definition_of(slice).digest).hex()[:16]}-{reader}"'
    headers = {"ETag": etag, "Cache-Control": REVALIDATE}
    if is_known(request, etag):
        return Response(status=304, headers=headers)
    return Response(body(), headers=headers)
