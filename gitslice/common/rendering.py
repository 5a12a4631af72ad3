"""JSON by orjson, ten times faster than the standard library on lists of entries."""

from __future__ import annotations

from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from gitslice.common.errors import InvalidRequest, PayloadTooLarge


class ORJSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data, default=str)


class ProblemRenderer(ORJSONRenderer):
    media_type = "application/problem+json"
    format = "problem"


class EventStreamRenderer(ProblemRenderer):
    """For views that stream events: what they render are their errors."""

    media_type = "text/event-stream"
    format = "events"


class ORJSONParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        return parse_json(read_limited(stream, settings.GITSLICE_MAX_JSON_BYTES))


def parse_json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from None


def read_limited(stream: IO[bytes], limit: int) -> bytes:
    """The whole body, at most `limit` bytes; a longer one is PayloadTooLarge."""
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise PayloadTooLarge(f"the body is larger than {limit} bytes", limit=limit)
    return data
