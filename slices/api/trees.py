"""Looking around in a slice at a commit: folders and files."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from urllib.parse import quote

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.scopes import READ
from gitslice.common.errors import InvalidPath
from slices.api import queries, schemas
from slices.api.access import visible_slice
from slices.api.commits import existing_commit, tagged
from slices.api.streams import FOREVER, REVALIDATE, StreamView, streamed
from slices.blame import blame
from slices.blobs import find_entries, open_file
from slices.folders import Child, list_folder
from slices.history import HEAD, settled_commit
from slices.log_bodies import blame_body

FULL_ID = 64  # hexadecimal digits


class TreeView(APIView):
    """What stands directly in a folder: folders first, each kind by name."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="slice_tree",
        parameters=[OpenApiParameter("path", description="the folder; none: the root"), schemas.COMMIT],
        responses=schemas.Tree,
        tags=["slices"],
    )
    def get(self, request: Request, org: str, name: str) -> Response:
        slice = visible_slice(request.user, org, name)
        path = queries.path(request)
        commit = settled_commit(slice, queries.text(request, "commit") or HEAD, request.user)
        items = [_child_body(child) for child in list_folder(slice, commit, path)]
        return Response(
            {"slice": str(slice), "commit": commit and commit.state_name, "path": path, "items": items}
        )


class FileView(StreamView):
    """A file's content as it is, never shown as a page."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="slice_file",
        parameters=[OpenApiParameter("path", required=True), schemas.COMMIT],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, 304: None},
        tags=["slices"],
    )
    def get(self, request: Request, org: str, name: str) -> HttpResponseBase:
        slice = visible_slice(request.user, org, name)
        path = file_path(request)
        commit = queries.text(request, "commit") or HEAD
        entry = find_entries(slice, commit, [path], request.user)[path]
        headers = {
            "Content-Length": str(entry.size),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(path.rpartition('/')[2], safe='')}",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-GitSlice-Mode": entry.mode,
            "Cache-Control": FOREVER if len(commit) == FULL_ID else REVALIDATE,
        }
        return streamed(
            request,
            open_file(slice, entry),
            content_type="application/octet-stream",
            etag=f'"{entry.digest.hex()}"',
            headers=headers,
        )


class BlameView(APIView):
    """Who last changed each line of a file: through renames that the history knows of, as far as the slice covers the
    older path."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="slice_blame",
        parameters=[OpenApiParameter("path", required=True), schemas.COMMIT],
        responses={200: schemas.Blame, 304: None},
        tags=["slices"],
    )
    def get(self, request: Request, org: str, name: str) -> Response:
        slice = visible_slice(request.user, org, name)
        path = file_path(request)
        commit = existing_commit(slice, queries.text(request, "commit") or HEAD, request.user)

        def body() -> dict[str, Any]:
            named = {"slice": str(slice), "commit": commit.state_name, "path": path}
            return named | blame_body(slice, blame(slice, commit, path), request.user)

        return tagged(request, slice, commit, body, f"blame-{sha256(path.encode()).hexdigest()[:16]}")


def file_path(request: Request) -> str:
    """The path that names a file. Raises InvalidPath."""
    path = queries.path(request)
    if not path:
        raise InvalidPath("path names a file of the slice")
    return path


def _child_body(child: Child) -> dict[str, Any]:
    return child._asdict() | {"digest": child.digest.hex() if child.digest else None}
