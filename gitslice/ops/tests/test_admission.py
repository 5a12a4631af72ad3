"""More requests than can be worked on: those that are let in are few, the rest are turned away at once."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gitslice.common.admission import Admission, Room
from gitslice.common.errors import ServerBusy
from gitslice.common.limits import TooManyRequests

LONG = 60.0


class Stream:
    """What Django answers for an event stream, as far as it matters here."""

    streaming = True

    def __iter__(self):
        return iter([b"one"])


class Slow:
    """A WSGI application whose requests go on until `gate` opens."""

    def __init__(self) -> None:
        self.gate, self.entered = threading.Event(), threading.Semaphore(0)
        self.now = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.entered.release()
        assert environ["PATH_INFO"] == "/livez" or self.gate.wait(LONG)
        with self._lock:
            self.now -= 1
        start_response("200 OK", [])
        return [b"ok"]


def ask(
    application: Any, path: str = "/api/v1/slices/", caller: str = ""
) -> tuple[int, dict[str, str], bytes]:
    told: list[Any] = []
    environ = {"PATH_INFO": path, "REMOTE_ADDR": "127.0.0.1", "HTTP_AUTHORIZATION": caller}
    answer = application(environ, lambda status, headers: told.extend((int(status[:3]), dict(headers))))
    body = b"".join(answer)
    getattr(answer, "close", lambda: None)()
    return told[0], told[1], body


def until(true: Any) -> None:
    deadline = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def crowd():
    with ThreadPoolExecutor(40) as pool:
        yield pool


def fill(room: Room, slow: Slow, crowd: ThreadPoolExecutor) -> list[Any]:
    """As many requests as the room has places and places to wait, each of another caller."""
    application = Admission(slow, room)
    number = room.places + room.waiting
    running = [crowd.submit(ask, application, caller=f"c{number}") for number in range(number)]
    until(lambda: room.running == room.places and len(room._queue) == room.waiting)
    return running


def test_a_slow_handler_leaves_the_queue_bounded_and_the_rest_is_told_when_to_come_back(crowd):
    slow, room = Slow(), Room(places=2, waiting=3, patience=LONG)
    application, running = Admission(slow, room), fill(room, slow, crowd)
    refused = list(crowd.map(lambda number: ask(application, caller=f"late{number}"), range(30)))
    assert {status for status, _, _ in refused} == {503}
    assert all(1 <= int(headers["Retry-After"]) <= LONG for _, headers, _ in refused)
    assert len({headers["Retry-After"] for _, headers, _ in refused}) > 1, "all would come back at once"
    assert refused[0][1]["Content-Type"] == "application/problem+json"
    document = json.loads(refused[0][2])
    assert (document["code"], document["status"]) == ("server_busy", 503)
    assert ask(application, "/livez")[0] == 200
    status, headers, page = ask(application, "/acme/")
    assert (status, "Retry-After" in headers, headers["Content-Type"]) == (
        503,
        True,
        "text/html; charset=utf-8",
    )
    assert b"more to do than it can" in page
    slow.gate.set()
    assert [future.result()[0] for future in running] == [200] * 5
    assert slow.most <= 3  # /livez is not counted
    assert (room.running, len(room._queue), dict(room._of)) == (0, 0, {})
    assert ask(application)[0] == 200


def test_nobody_waits_longer_than_the_patience(crowd):
    slow, room = Slow(), Room(places=1, waiting=5, patience=0.05)
    first = crowd.submit(ask, Admission(slow, room))
    assert slow.entered.acquire(timeout=LONG)
    assert [ask(Admission(slow, room), caller="b")[0] for _ in range(3)] == [503] * 3
    slow.gate.set()
    assert first.result()[0] == 200
    assert (room.running, len(room._queue), dict(room._of)) == (0, 0, {})


def test_who_waits_longest_is_next(crowd):
    room, order = Room(places=1, waiting=5, patience=LONG), []
    room.enter("a")

    def come(name: str) -> None:
        room.enter(name)
        order.append(name)
        room.leave(name)

    coming = []
    for place, name in enumerate("bcd"):
        coming.append(crowd.submit(come, name))
        until(lambda place=place: len(room._queue) == place + 1)
    room.leave("a")
    assert [future.result() for future in coming] == [None] * 3
    assert order == ["b", "c", "d"]


def test_one_caller_leaves_half_to_the_others(crowd):
    room = Room(places=2, waiting=4, patience=LONG)
    application, slow = Admission(Slow(), room), Slow()
    application.application = slow
    greedy = [crowd.submit(ask, application, caller="greedy") for _ in range(3)]
    until(lambda: room._of["greedy"] == 3)
    status, headers, body = ask(application, caller="greedy")
    assert (status, json.loads(body)["code"], "Retry-After" in headers) == (429, "rate_limited", True)
    other = crowd.submit(ask, application, caller="other")
    until(lambda: room._of["other"] == 1)
    slow.gate.set()
    assert {future.result()[0] for future in [*greedy, other]} == {200}


def test_one_caller_has_every_place_that_nobody_else_wants():
    room = Room(places=8, waiting=0, patience=LONG)
    for _ in range(8):
        room.enter("a")
    with pytest.raises(TooManyRequests):
        room.enter("a")
    with pytest.raises(ServerBusy):
        room.enter("b")


def test_event_streams_take_no_place_and_are_counted_apart():
    room = Room(places=1, waiting=2, patience=0.01)

    def stream(environ, start_response):
        start_response("200 OK", [])
        return Stream()

    application = Admission(stream, room)
    environ = {"PATH_INFO": "/api/v1/events/acme/", "REMOTE_ADDR": "127.0.0.1"}
    open_ones = [application(environ, lambda *_: None) for _ in range(2)]
    assert (room.running, room.streams) == (0, 2)
    assert ask(application, "/api/v1/events/acme/")[0] == 503
    assert ask(application)[0] == 200
    for each in open_ones:
        assert list(each) == [b"one"]
        each.close()
    assert (room.running, room.streams, dict(room._of)) == (0, 0, {})
    assert ask(application, "/api/v1/events/acme/")[0] == 200


def test_a_place_comes_back_when_the_application_fails():
    room = Room(places=1, waiting=0, patience=0.01)

    def failing(environ, start_response):
        raise ValueError

    for _ in range(3):
        with pytest.raises(ValueError):  # noqa: PT011
            ask(Admission(failing, room))
    assert (room.running, dict(room._of)) == (0, {})
