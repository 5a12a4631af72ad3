"""Answers that are not JSON: streamed, with ETags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

REVALIDATE = "private, no-cache"
FOREVER = "private, max-age=31536000, immutable"


class OwnFormat(BaseContentNegotiation):
    """The view answers in its own format, whatever is asked for; problems are JSON."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        kind = (request.content_type or "").partition(";")[0].strip()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> Any:
        first = next(iter(renderers))
        return first, first.media_type


class StreamView(APIView):
    content_negotiation_class = OwnFormat


def is_known(request: Request | HttpRequest, etag: str) -> bool:
    """Has the client this very answer already? Weak tags count: proxies weaken ours when they compress."""
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]
    return etag in tags or "*" in tags


def streamed(
    request: Request | HttpRequest,
    chunks: Iterator[bytes],
    *,
    content_type: str,
    etag: str,
    headers: Mapping[str, str],
) -> HttpResponseBase:
    """The chunks, or 304 (and `chunks` is never started) if the client has them."""
    known = is_known(request, etag)
    response: HttpResponseBase = (
        HttpResponse(status=304) if known else StreamingHttpResponse(chunks, content_type=content_type)
    )
    for name, value in {"ETag": etag, **headers}.items():
        if not (known and name.startswith("Content-")):
            response[name] = value
    return response
