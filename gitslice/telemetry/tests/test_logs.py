"""What lines of the log look like, and whose they are."""

from __future__ import annotations

import io
import json
import logging

import pytest
from django.test import Client

from gitslice.telemetry.logs import formatter
from gitslice.telemetry.work import begin, end
from tests.world import World

SECRET = "gst_Abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def written():
    """The log as programs read it."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    handler.setFormatter(formatter("json"))
    root.addHandler(handler)
    root.setLevel("INFO")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_line_says_whose_it_is(written):
    begin("request-1234").facts = {"organization": "acme"}
    logging.getLogger("some.module").warning("%s is odd", "it")
    end()
    (line,) = written()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "message": "it is odd",
        "level": "warning",
        "logger": "some.module",
        "request_id": "request-1234",
        "organization": "acme",
    }


def test_a_failure_is_one_line_with_its_traceback_and_without_secrets(written):
    try:
        raise LookupError(f'no such "token": "{SECRET}"\npassword=hunter2hunter2')
    except LookupError:
        logging.getLogger("some.module").exception("failed")
    (line,) = written()
    assert "Traceback" in line["exception"]
    assert "LookupError" in line["exception"]
    assert "Abcdef" not in str(line)
    assert "hunter2" not in str(line)


def test_people_read_words():
    record = logging.LogRecord("some.module", logging.INFO, "", 0, "done", (), None)
    record.facts = {"count": 3}
    text = formatter("text").format(record)
    assert "done" in text
    assert "count=3" in text
    assert "\n" not in text


@pytest.mark.django_db
def test_a_request_leaves_one_line(written):
    world = World()
    world.slice("web", "web/**")
    answer = Client().get(
        f"/api/v1/slices/acme/web/?q={SECRET}",
        headers={
            "Authorization": f"Bearer {world.token(world.owner)}",
            "X-Request-ID": "given-by-a-proxy",
            "User-Agent": "gs/1",
        },
    )
    assert answer["X-Request-ID"] == "given-by-a-proxy"
    (line,) = written()
    assert line["message"] == "request"
    assert line["request_id"] == "given-by-a-proxy"
    assert (line["organization"], line["slice"], line["user"]) == ("acme", "web", world.owner.username)
    assert (line["method"], line["status"], line["bytes"]) == ("GET", 200, len(answer.content))
    assert (line["path"], line["route"]) == (
        "/api/v1/slices/acme/web/",
        "api/v1/slices/<str:org>/<str:name>/",
    )
    assert line["agent"] == "gs/1"
    assert line["sql_count"] > 0
    assert 0 < line["sql_ms"] < line["duration_ms"]


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "two words here", "line\nbreak-in-it", "é" * 10])
def test_ids_that_may_not_stand_in_a_log_are_replaced(given):
    answer = Client().get("/livez", headers={"X-Request-ID": given})
    assert len(answer["X-Request-ID"]) == 32


def test_probes_leave_no_line(written):
    Client().get("/livez")
    assert written() == []


@pytest.mark.django_db
def test_a_failed_request_says_which_it_was(written, monkeypatch):
    monkeypatch.setattr("rest_framework.views.APIView.initial", lambda *_, **__: 1 / 0)
    answer = Client(raise_request_exception=False).get("/api/v1/me/")
    failure, access = written()
    assert failure["level"] == "error"
    assert "ZeroDivisionError" in failure["exception"]
    assert failure["request_id"] == access["request_id"] == answer["X-Request-ID"]
    assert access["status"] == 500
