"""Back-pressure: a web process does so much at once, lets so many wait for so long, and turns away the rest at once.

It stands before Django, so that turning away costs no more than reading a request's head, and asks no database. For that
gunicorn has more threads than requests that are worked on (deploy/gunicorn.conf.py): those that wait have one each,
and some are left for refusing and for health.
"""

from __future__ import annotations

import random
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from gitslice.common.addresses import client_address
from gitslice.common.errors import DomainError, ServerBusy
from gitslice.common.limits import TooManyRequests
from gitslice.common.pages import POLICY, PROGRAMS
from gitslice.common.problems import problem, retry_headers
from gitslice.common.rendering import ORJSONRenderer

FREE = ("/livez", "/readyz", "/metrics", "/static/")
STREAMS = "/api/v1/events/"

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Room:
    """`places` for requests that are worked on; `waiting` may wait for one, first come first served, for `patience`
    seconds. Once all places are taken, one caller has at most half of everything. Event streams give their place
    back and are counted with those who wait, of whom they are at most half: a thread may be theirs for hours."""

    def __init__(self, places: int, waiting: int, patience: float) -> None:
        self.places, self.waiting, self.patience = places, waiting, patience
        self.share = max((places + waiting) // 2, 1)
        self.running = self.streams = 0
        self._queue: deque[threading.Event] = deque()
        self._of: Counter[str] = Counter()
        self._lock = threading.Lock()

    def enter(self, caller: str) -> None:
        """Take a place, or wait for one. Raises ServerBusy, TooManyRequests."""
        with self._lock:
            if self.running < self.places:
                self.running += 1
                self._of[caller] += 1
                return
            self._require_room(caller)
            turn = threading.Event()
            self._queue.append(turn)
            self._of[caller] += 1
        if turn.wait(self.patience):
            return
        with self._lock:
            if turn.is_set():  # just now
                return
            self._queue.remove(turn)
            self._forget(caller)
        raise self._busy()

    def leave(self, caller: str) -> None:
        """Give the place to who has waited longest."""
        with self._lock:
            self._forget(caller)
            self._pass_on()

    def begin_stream(self, caller: str) -> None:
        with self._lock:
            self._forget(caller)
            self._pass_on()
            self.streams += 1

    def end_stream(self) -> None:
        with self._lock:
            self.streams -= 1

    def require_stream(self) -> None:
        """Raises ServerBusy if there are too many already."""
        if self.streams > self.waiting // 2:
            raise self._busy()

    def _require_room(self, caller: str) -> None:
        if self._of[caller] >= self.share:
            raise TooManyRequests("too many requests at once", retry_after=self._again())
        if len(self._queue) + self.streams >= self.waiting:
            raise self._busy()

    def _pass_on(self) -> None:
        if self._queue:
            self._queue.popleft().set()
        else:
            self.running -= 1

    def _forget(self, caller: str) -> None:
        self._of[caller] -= 1
        if not self._of[caller]:
            del self._of[caller]

    def _busy(self) -> ServerBusy:
        return ServerBusy("the server has more to do than it can", retry_after=self._again())

    def _again(self) -> int:
        """Seconds, not the same for all."""
        return random.randint(1, max(int(self.patience), 1))


class Admission:
    """A WSGI application that lets in what its room has place for."""

    def __init__(self, application: Application, room: Room) -> None:
        self.application, self.room = application, room

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(FREE):
            return self.application(environ, start_response)
        visit = Visit(self.room, _caller(environ))
        try:
            if path.startswith(STREAMS):
                self.room.require_stream()
            self.room.enter(visit.caller)
        except DomainError as error:
            return _refused(path, error, start_response)
        try:
            visit.response = self.application(environ, start_response)
        except BaseException:
            self.room.leave(visit.caller)
            raise
        if path.startswith(STREAMS) and getattr(visit.response, "streaming", False):
            visit.begin_stream()
        return visit


class Visit:
    """A request that was let in: an answer that gives back the place when it is closed."""

    def __init__(self, room: Room, caller: str) -> None:
        self.room, self.caller = room, caller
        self.response: Iterable[bytes] = ()
        self._leave = lambda: room.leave(caller)

    def begin_stream(self) -> None:
        self.room.begin_stream(self.caller)
        self._leave = self.room.end_stream

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.response)

    def close(self) -> None:
        try:
            if close := getattr(self.response, "close", None):
                close()
        finally:
            self._leave()


def _caller(environ: Environ) -> str:
    """Who asks, as well as can be told without looking anything up: credentials, else the address."""
    given = environ.get("HTTP_AUTHORIZATION") or environ.get("HTTP_COOKIE")
    remote, forwarded = environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", "")
    return given or client_address(remote, forwarded, settings.GITSLICE_TRUSTED_PROXIES) or ""


def _refused(path: str, error: DomainError, start_response: Callable[..., Any]) -> list[bytes]:
    """A problem document for programs, for people a page that asks for nothing."""
    if path.startswith(PROGRAMS):
        kind, body = "application/problem+json", ORJSONRenderer().render(problem(error))
    else:
        kind, body = "text/html; charset=utf-8", _page(error.status, str(error))
    headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
    headers |= {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    reason = "Too Many Requests" if error.status == 429 else "Service Unavailable"
    start_response(f"{error.status} {reason}", list((headers | retry_headers(error)).items()))
    return [body]


@cache
def _page(status: int, message: str) -> bytes:
    return render_to_string("error.html", {"error": ServerBusy(message), "status": status}).encode()
