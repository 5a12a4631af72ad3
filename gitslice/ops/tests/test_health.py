from __future__ import annotations

import pytest
from django.test import Client

from gitslice.ops import health
from gitslice.telemetry.heartbeats import KEY, beat, get_redis_connection

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _anew() -> None:
    health.forget()


def fail() -> None:
    raise LookupError("postgresql://ann:secret@db")


def test_every_part_is_told_with_its_time():
    beat()
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    checks = answer.json()["checks"]
    assert list(checks) == ["database", "migrations", "redis", "objects", "worker"]
    assert all(check["status"] == "ok" and check["seconds"] >= 0 for check in checks.values())
    assert answer.content.count(b"\n") > 5


def test_a_part_that_fails_makes_it_unready_and_tells_no_secret(monkeypatch):
    monkeypatch.setitem(health.CHECKS, "database", fail)
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"]["reason"] == "unavailable"
    assert "secret" not in answer.text


def test_without_workers_it_serves_and_says_so():
    get_redis_connection("default").set(KEY, "1000")
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert answer.json()["checks"]["worker"]["reason"].startswith("a worker last showed itself")
    assert Client().get("/readyz?workers=1").status_code == 503


def test_probes_share_an_answer(monkeypatch):
    asked = []
    monkeypatch.setitem(health.CHECKS, "redis", lambda: asked.append(1))
    for _ in range(20):
        assert Client().get("/readyz").status_code == 200
    assert len(asked) <= 3


def test_living_needs_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert Client().get("/livez").json() == {"status": "ok"}
