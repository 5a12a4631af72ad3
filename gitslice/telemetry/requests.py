"""Every request: its id, one line in the log, its counts, its place in a trace.

All of it is told when the answer has been sent to its end, so that streams count with all that they take.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.conf import settings
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from gitslice.telemetry import tracing
from gitslice.telemetry.metrics import IN_FLIGHT, REQUEST_SECONDS, REQUESTS, SQL_SECONDS, SQL_STATEMENTS
from gitslice.telemetry.sql import look_at_pool
from gitslice.telemetry.work import Work, begin, current, end, request_id_of

HEADER = "X-Request-ID"
PROBES = ("/livez", "/readyz", "/metrics")  # asked every few seconds: in the log only where it tells all
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
LONGEST = 200  # characters of what a client says of itself

log = logging.getLogger("gitslice.access")
_busy = 0
_busy_lock = threading.Lock()


class RequestMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        work = begin(request_id_of(request.META.get("HTTP_X_REQUEST_ID")))
        tracing.start(
            work, request.method or "", "SERVER", {"traceparent": request.headers.get("traceparent", "")}
        )
        _count_busy(1)
        response = self.get_response(request)
        response[HEADER] = work.request_id
        sent = _Sent(response)
        response._resource_closers.append(  # type: ignore[attr-defined]
            partial(_finish, request, response, work, started, sent)
        )
        return response

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], options: dict[str, Any]
    ) -> None:
        work = current()
        if work is not None and "org" in options:
            work.facts |= _place(_route(request), options)


class _Sent:
    """The bytes of an answer; those of a stream are counted as they leave."""

    def __init__(self, response: HttpResponseBase) -> None:
        self.bytes = 0
        if not response.streaming:
            self.bytes = len(response.content)  # type: ignore[attr-defined]
        elif not response.is_async:  # type: ignore[attr-defined]
            response.streaming_content = self._counting(response.streaming_content)  # type: ignore[attr-defined]

    def _counting(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.bytes += len(chunk)
            yield chunk


def _finish(
    request: HttpRequest, response: HttpResponseBase, work: Work, started: float, sent: _Sent
) -> None:
    seconds = time.perf_counter() - started
    route = _route(request)
    method = request.method if request.method in METHODS else "other"
    _count_busy(-1)
    REQUESTS.labels(method, route, response.status_code).inc()
    REQUEST_SECONDS.labels(route).observe(seconds)
    SQL_STATEMENTS.labels("web").inc(work.sql_count)
    SQL_SECONDS.labels("web").inc(work.sql_seconds)
    level = logging.DEBUG if request.path in PROBES else logging.INFO
    if log.isEnabledFor(level):
        facts = {
            "method": request.method,
            "path": request.path,
            "route": route,
            "status": response.status_code,
            "bytes": sent.bytes,
            "duration_ms": round(seconds * 1000, 1),
            "sql_count": work.sql_count,
            "sql_ms": round(work.sql_seconds * 1000, 1),
            "user": _user_name(request),
            "address": request.META.get("REMOTE_ADDR") or None,
            "agent": request.META.get("HTTP_USER_AGENT", "")[:LONGEST] or None,
        }
        log.log(level, "request", extra={"facts": facts})
    told = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": response.status_code,
    }
    tracing.finish(work, f"{method} {route}", failed=response.status_code >= 500, **told)
    end()


def _place(route: str, options: dict[str, Any]) -> dict[str, Any]:
    """The organization, slice and changeset that an address names."""
    place = {"organization": options["org"]}
    if "name" in options and "slices/" in route:
        place["slice"] = options["name"]
    if "number" in options and "changesets/" in route:
        place["changeset"] = options["number"]
    return place


def _route(request: HttpRequest) -> str:
    """The pattern that was matched, of which there are as many as there are lines in the tables of addresses."""
    if request.resolver_match is not None:
        return request.resolver_match.route or "/"
    return "static" if request.path.startswith(settings.STATIC_URL) else "unmatched"


def _user_name(request: HttpRequest) -> str | None:
    """Who is known to ask; nobody is looked up for the log's sake."""
    user = getattr(request, "_cached_user", None) or request.__dict__.get("user")
    if user is None or type(user).__name__ == "SimpleLazyObject":
        return None
    return user.get_username() or None


def _count_busy(change: int) -> None:
    global _busy
    with _busy_lock:
        _busy += change
    IN_FLIGHT.inc(change)


def connect() -> None:
    request_finished.connect(_look_at_pool, dispatch_uid="telemetry")


_looked = 0.0


def _look_at_pool(**_: Any) -> None:
    """Once a second, and when nothing is left to do."""
    global _looked
    now = time.monotonic()
    if _busy <= 0 or now - _looked > 1:
        _looked = now
        look_at_pool()
