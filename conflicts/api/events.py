"""`/api/v1/events/ORG/`: server-sent events."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.access import signed_in, visible_organization
from accounts.scopes import READ
from changesets.api.access import visible_changeset
from conflicts.watching import HUB, Caller, Scope, Watcher, start
from gitslice.common.errors import InvalidRequest
from gitslice.common.rendering import EventStreamRenderer
from slices.api.access import visible_slice

KINDS = ("conflict", "changeset", "global")
CHUNK = 1 << 16


class EventStreamView(APIView):
    """What happens in an organization from now on, or since `Last-Event-ID`, as server-sent events.

    `event` is `conflict`, `changeset`, `global`, or `reset` for who comes back after more than a week: look at
    everything anew. Lines that begin with a colon are signs of life.
    """

    scopes = {"GET": READ}
    renderer_classes = [EventStreamRenderer]

    @extend_schema(
        operation_id="watch_events",
        parameters=[
            OpenApiParameter("slice"),
            OpenApiParameter("changeset"),
            OpenApiParameter("mine", description="1: only what concerns oneself"),
            OpenApiParameter("kinds", description="conflict, changeset, global; comma separated"),
            OpenApiParameter("last_event_id", OpenApiTypes.INT),
            OpenApiParameter("Last-Event-ID", OpenApiTypes.INT, OpenApiParameter.HEADER),
        ],
        responses={(200, "text/event-stream"): OpenApiTypes.STR},
        tags=["events"],
    )
    def get(self, request: Request, org: str) -> StreamingHttpResponse:
        scope = _scope(request, org)
        HUB.require_room()
        position, first = start(_last(request))
        by_session = request.auth is None and request.user.is_authenticated
        session = request.session.session_key if by_session else None
        caller = Caller(request.user.pk, getattr(request.auth, "pk", None), session)
        response = StreamingHttpResponse(
            _stream(request, scope, caller, position, first), content_type="text/event-stream"
        )
        response["Cache-Control"] = "no-store"
        response["X-Accel-Buffering"] = "no"  # nginx passes every event on at once
        return response


def _scope(request: Request, org: str) -> Scope:
    organization = visible_organization(request.user, org)
    query = request.query_params
    slice_id = changeset_id = user_id = None
    if query.get("slice"):
        slice_id = visible_slice(request.user, org, query["slice"].rpartition("/")[2]).pk
    if query.get("changeset"):
        digits = query["changeset"].removeprefix("cl-")
        if not digits.isdecimal():
            raise InvalidRequest(f"changeset is like cl-1042, not {query['changeset']!r}")
        changeset_id = visible_changeset(request.user, org, int(digits)).pk
    if query.get("mine") in ("1", "true"):
        user_id = signed_in(request.user).pk
    kinds = frozenset(filter(None, query.get("kinds", "").split(",")))
    if not kinds.issubset(KINDS):
        raise InvalidRequest(f"kinds are {', '.join(KINDS)}")
    return Scope(organization.pk, slice_id, changeset_id, user_id, kinds)


def _last(request: Request) -> int | None:
    text = request.headers.get("Last-Event-ID") or request.query_params.get("last_event_id") or ""
    if not text:
        return None
    if not text.isdecimal() or len(text) > 18:
        raise InvalidRequest("Last-Event-ID is the id of an event")
    return int(text)


def _stream(request: Request, scope: Scope, caller: Caller, position: int, first: bytes) -> Iterator[bytes]:
    """The first words; then the hub takes over. Under gunicorn it takes the connection itself, and the thread that
    served the request is free: to gunicorn it looks as if the client had gone. Elsewhere, and under TLS, the thread
    stays and passes on what the hub says."""
    yield first
    own = request.META.get("gunicorn.socket")
    if own is not None and not isinstance(own, ssl.SSLSocket):
        chunked = request.META.get("SERVER_PROTOCOL") == "HTTP/1.1"
        connection = socket.socket(fileno=own.detach())
        HUB.add(Watcher(connection, scope, caller, position, chunked))
        raise BrokenPipeError(errno.EPIPE, "the hub has taken over the connection")
    ours, theirs = socket.socketpair()
    HUB.add(Watcher(theirs, scope, caller, position, chunked=False))
    with ours:
        while data := ours.recv(CHUNK):
            yield data
