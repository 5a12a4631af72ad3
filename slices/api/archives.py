"""Downloads of a slice as one file, for scripts and for pages."""

from __future__ import annotations

from urllib.parse import quote

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.request import Request

from accounts.scopes import READ
from slices.api import queries, schemas
from slices.api.access import visible_slice
from slices.api.commits import existing_commit
from slices.api.streams import REVALIDATE, StreamView, streamed
from slices.archives import CONTENT_TYPES, TAR, Archive, archive
from slices.history import HEAD
from slices.models import Commit


class ArchiveView(StreamView):
    """The slice, or a folder of it, at a commit as a tar or zip: in the order of paths, all of the commit's time, in one
    folder. The same commit and definition give the same bytes."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="slice_archive",
        parameters=[
            OpenApiParameter("path", description="only this folder or file"),
            schemas.COMMIT,
            OpenApiParameter("format", enum=list(CONTENT_TYPES), description=f"by default {TAR}"),
        ],
        responses={**{(200, kind): OpenApiTypes.BINARY for kind in CONTENT_TYPES.values()}, 304: None},
        tags=["slices"],
    )
    def get(self, request: Request, org: str, name: str) -> HttpResponseBase:
        slice = visible_slice(request.user, org, name)
        commit = existing_commit(slice, queries.text(request, "commit") or HEAD, request.user)
        made = archive(slice, commit, queries.path(request), queries.text(request, "format") or TAR)
        return archive_response(request, commit, made)


def archive_response(request: Request | HttpRequest, commit: Commit, made: Archive) -> HttpResponseBase:
    """The archive to keep, or 304 if the client has it."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(made.name, safe='')}",
        "X-GitSlice-Commit": commit.state_name,
        "Cache-Control": REVALIDATE,
    }
    return streamed(request, made.chunks, content_type=made.content_type, etag=made.etag, headers=headers)
