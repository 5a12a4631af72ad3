"""What a checkout needs: the manifest of a slice, and the blobs it names."""

from __future__ import annotations

from typing import IO, Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from accounts.scopes import READ
from gitslice.common.errors import InvalidRequest
from gitslice.common.rendering import parse_json, read_limited
from slices.api import schemas
from slices.api.access import visible_slice
from slices.api.streams import REVALIDATE, StreamView, streamed
from slices.blobs import all_blobs, blobs_at
from slices.manifests import find_manifest
from slices.patterns import definition_of

MANIFEST = "text/x-gitslice-manifest"
PACK = "application/x-gitslice-pack"
MAX_WANTED_BYTES = 64 << 20


class WantedParser(BaseParser):
    """JSON, larger than elsewhere: it names the paths of a checkout."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        return parse_json(read_limited(stream, MAX_WANTED_BYTES))


class WantedObjects(serializers.Serializer[Any]):
    """As the schema shows it; up to 100,000s of paths are checked by hand."""

    commit = serializers.CharField(required=False, default="HEAD")
    paths = serializers.ListField(child=serializers.CharField(), required=False)
    all = serializers.BooleanField(required=False, help_text="in place of paths: the whole slice")


class ManifestView(StreamView):
    """One line an entry, `MODE HEX SIZE PATH`, sorted by path bytes. With `since` only the changes, and `D - - PATH`
    for what is gone; without X-GitSlice-Since in the answer it is the whole manifest all the same."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="slice_manifest",
        parameters=[
            schemas.COMMIT,
            OpenApiParameter("since", description="id of the commit whose manifest the client has"),
            OpenApiParameter("definition", description="X-GitSlice-Definition of that manifest"),
        ],
        responses={(200, MANIFEST): OpenApiTypes.STR, 304: None},
        tags=["slices"],
    )
    def get(self, request: Request, org: str, name: str) -> HttpResponseBase:
        slice = visible_slice(request.user, org, name)
        query = request.query_params
        manifest = find_manifest(
            slice, request.user, query.get("commit"), query.get("since"), query.get("definition")
        )
        headers = {
            "X-GitSlice-Commit": manifest.commit.state_name if manifest.commit else "none",
            "X-GitSlice-Definition": bytes(definition_of(slice).digest).hex(),
            "Cache-Control": REVALIDATE,
        }
        if manifest.since is not None:
            headers["X-GitSlice-Since"] = manifest.since.hex
        return streamed(
            request,
            manifest.lines(),
            content_type=f"{MANIFEST}; charset=utf-8",
            etag=manifest.etag,
            headers=headers,
        )


class ObjectsView(StreamView):
    """The distinct blobs at paths of the slice at a commit, as one pack stream."""

    scopes = {"POST": READ}
    parser_classes = [WantedParser]
    max_body = MAX_WANTED_BYTES

    @extend_schema(
        operation_id="slice_objects",
        request=WantedObjects,
        responses={(200, PACK): OpenApiTypes.BINARY},
        tags=["slices"],
    )
    def post(self, request: Request, org: str, name: str) -> HttpResponseBase:
        slice = visible_slice(request.user, org, name)
        commit, paths = _wanted(request.data)
        chunks = (
            all_blobs(slice, commit, request.user)
            if paths is None
            else blobs_at(slice, commit, paths, request.user)
        )
        return StreamingHttpResponse(chunks, content_type=PACK, headers={"Cache-Control": "no-store"})


def _wanted(body: Any) -> tuple[str, list[str] | None]:
    """The commit and the paths, None for all."""
    if not isinstance(body, dict) or not isinstance(body.get("commit", "HEAD"), str):
        raise InvalidRequest("the body is an object with commit and paths")
    commit, paths = body.get("commit", "HEAD"), body.get("paths")
    if body.get("all") is True and paths is None:
        return commit, None
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise InvalidRequest("give either a list of paths or all: true")
    return commit, paths
