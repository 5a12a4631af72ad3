"""`/api/v1/audit/ORG/`: the audit trail, for owners and admins of the organization."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import administered_organization
from accounts.scopes import READ
from accounts.trail.chaining import chain_events
from accounts.trail.reading import FILTERS, event_body, events_of, export_lines
from gitslice.common.errors import InvalidRequest
from gitslice.common.pagination import Page, listing, whole_key
from gitslice.common.rendering import ProblemRenderer

LINES = "application/x-ndjson"
GREATEST = 2**63 - 1


class LinesRenderer(ProblemRenderer):
    """For the view that streams lines: what it renders are its errors."""

    media_type = LINES
    format = "lines"


class AuditListView(APIView):
    """Newest first."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="list_audit_events",
        parameters=[
            OpenApiParameter("actor", description="a user name"),
            OpenApiParameter("action", description="an action, or how some begin: changeset"),
            OpenApiParameter("object", description="a part of what was changed"),
            OpenApiParameter("since", description="a day or a time, which it includes"),
            OpenApiParameter("until", description="a day or a time, which it includes"),
        ],
        responses=OpenApiTypes.OBJECT,
        tags=["audit"],
    )
    def get(self, request: Request, org: str) -> Response:
        organization = administered_organization(request.user, org)
        page = Page(request.query_params)
        chain_events()
        events = events_of(organization, _wanted(request))
        if page.after is not None:
            events = events.filter(pk__lt=whole_key(page.after))
        shown, cursor = page.cut(list(events[: page.limit + 1]), lambda event: event.pk)
        return Response(listing(map(event_body, shown), cursor))


class AuditExportView(APIView):
    """The whole chain as JSON lines, oldest first, each with its digest and the one before (docs/audit.md)."""

    scopes = {"GET": READ}
    renderer_classes = [LinesRenderer, *APIView.renderer_classes]

    @extend_schema(
        operation_id="export_audit_events",
        parameters=[
            OpenApiParameter("after", OpenApiTypes.INT, description="only what follows this position")
        ],
        responses={(200, LINES): OpenApiTypes.STR},
        tags=["audit"],
    )
    def get(self, request: Request, org: str) -> StreamingHttpResponse:
        organization = administered_organization(request.user, org)
        lines = export_lines(organization, _position(request.query_params.get("after") or "0"))
        name = f"{organization.slug}-audit.jsonl"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(lines, content_type=LINES, headers=headers)


def _wanted(request: Request) -> dict[str, Any]:
    wanted = {name: request.query_params.get(name, "").strip() for name in FILTERS}
    for name, text in wanted.items():
        if "\0" in text:
            raise InvalidRequest(f"{name} has a NUL character")
    return wanted


def _position(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text[:20]) > GREATEST:
        raise InvalidRequest("after is a position of the chain")
    return int(text)
