"""A real web process whose database stalls: it answers everybody, most of them that they shall come back."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.processes import WebServer, server_environment
from tests.world import World

NARROW = {
    "GITSLICE_WEB_WORKERS": "1",
    "GITSLICE_WEB_THREADS": "2",
    "GITSLICE_WEB_WAITING": "3",
    "GITSLICE_WEB_WAIT_SECONDS": "1",
    "GITSLICE_SQL_TIMEOUT_SECONDS": "3",
}


@pytest.fixture
def server(transactional_db):
    running = WebServer(server_environment() | NARROW, configured=True)
    yield running
    running.stop()


def ask(url: str, token: str) -> tuple[int, str | None, bytes]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, None, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Retry-After"], error.read()


def test_a_stalled_database_stalls_few_and_the_rest_is_turned_away(server):
    world = World()
    token, url = world.token(world.owner), f"{server.url}/api/v1/slices/"
    assert ask(url, token)[0] == 200
    database = server.environment["DATABASE_URL"]
    with ThreadPoolExecutor(30) as crowd, psycopg.connect(database) as stalling:
        stalling.execute("LOCK TABLE slices_slice IN ACCESS EXCLUSIVE MODE")
        asking = [crowd.submit(ask, url, token) for _ in range(30)]
        answers = [future.result() for future in asking]
        assert ask(f"{server.url}/livez", token)[0] == 200
    assert {status for status, _, _ in answers} <= {429, 503}
    assert all(int(retry_after) >= 1 for _, retry_after, _ in answers)
    codes = [json.loads(body)["code"] for _, _, body in answers]
    assert set(codes) == {"server_busy", "rate_limited"}
    waited_for_the_database = [body for _, _, body in answers if b"the database took too long" in body]
    assert len(waited_for_the_database) <= 5  # two at a time, and who came in their place
    assert ask(url, token)[0] == 200
