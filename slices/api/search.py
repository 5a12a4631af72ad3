"""Searching the paths and contents of an organization's tree, as far as the caller sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import own_organization, signed_in
from accounts.scopes import READ
from gitslice.common.errors import InvalidRequest
from gitslice.common.pagination import Page, cursor_at, listing, text_key
from slices.api import queries, schemas
from slices.search.queries import Found, FoundFile, Line, search_contents, search_paths
from slices.search.sight import Sight, sight_of
from slices.search.wanted import Wanted

CONTENT, PATHS = "content", "paths"
MAX_FILES = 100  # of a page
MAX_CONTEXT = 10


class SearchView(APIView):
    """Files with lines that match, in the order of their paths, or paths that have the words. Only heads are searched,
    and texts of up to 1 MiB; what has just landed is found a moment later."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="search",
        parameters=[
            OpenApiParameter("q", required=True, description="a text or, with regex=1, an expression"),
            OpenApiParameter("in", enum=[CONTENT, PATHS], description="content by default"),
            OpenApiParameter("regex", bool, description="q is a regular expression of PostgreSQL"),
            OpenApiParameter("case", bool, description="capitals and small letters differ"),
            OpenApiParameter("path", description="only paths of this pattern, such as *.py or docs/**"),
            OpenApiParameter(
                "lang", description="only files of this language, or with this ending, such as python or tf"
            ),
            OpenApiParameter("slice", description="only what this slice covers"),
            OpenApiParameter("context", int, description="lines around a match, 2 by default, at most 10"),
            *schemas.PAGE,
        ],
        responses=schemas.FoundPage,
        tags=["search"],
    )
    def get(self, request: Request, org: str) -> Response:
        organization = own_organization(signed_in(request.user), org)
        sight = sight_of(request.user, organization, queries.text(request, "slice"))
        kind = queries.text(request, "in") or CONTENT
        if kind not in (CONTENT, PATHS):
            raise InvalidRequest(f"in is {CONTENT} or {PATHS}, not {kind[:20]!r}")
        page = Page(request.query_params)
        if kind == PATHS:
            paths = search_paths(sight, wanted_search(request), limit=page.limit)
            return Response(listing({"path": path, "slice": sight.slice_of(path)} for path in paths))
        page.limit = min(page.limit, MAX_FILES)
        found = search_contents(
            sight,
            wanted_search(request),
            after="" if page.after is None else text_key(page.after),
            limit=page.limit + 1,
            context=_context(request),
        )
        shown, cursor = page_of(page, found)
        body = listing((file_body(sight, file) for file in shown), cursor)
        return Response(body | {"stopped_at": found.rest or None})


def page_of(page: Page, found: Found) -> tuple[Sequence[FoundFile], str | None]:
    """The files of one page, and the cursor of what is behind them, be it found already or not looked at yet."""
    shown, cursor = page.cut(found.files, lambda file: file.path)
    return shown, cursor or (cursor_at(found.rest) if found.rest else None)


def wanted_search(request: Request | HttpRequest) -> Wanted:
    """What the query parameters ask for."""
    asked = request.GET
    for name in ("q", "path", "lang"):
        if "\0" in asked.get(name, ""):
            raise InvalidRequest(f"{name} has a NUL character")
    return Wanted(
        asked.get("q", ""),
        is_expression=asked.get("regex") in ("1", "true"),
        matches_case=asked.get("case") in ("1", "true"),
        path=asked.get("path", "").strip(),
        language=asked.get("lang", "").strip(),
    )


def file_body(sight: Sight, file: FoundFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "slice": sight.slice_of(file.path),
        "more": file.more,
        "lines": [_line_body(line) for run in file.runs for line in run],
    }


def _line_body(line: Line) -> dict[str, Any]:
    return line._asdict() | {"matches": bool(line.marks)}


def _context(request: Request) -> int:
    text = queries.text(request, "context") or "2"
    if not text.isdecimal() or len(text) > 3:
        raise InvalidRequest(f"context is a number of lines, not {text[:20]!r}")
    return min(int(text), MAX_CONTEXT)
