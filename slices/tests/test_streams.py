"""Streams of a real web process: aborted ones give their database connection back, slow ones are not cut off."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator

import orjson
import pytest
from django.db import connection

from tests.processes import WebServer, server_environment
from tests.world import World

FILES = 150_000  # a manifest of some 20 MB, more than socket buffers hold

GROW = """
WITH big AS (
    INSERT INTO slices_pathversion (organization_id, path, seq, op, new_mode, new_digest, new_size)
    SELECT organization_id, 'big/' || lpad(number::text, 40, '0'), seq, 'add', new_mode, new_digest, new_size
      FROM slices_pathversion, generate_series(1, %s) number WHERE path = 'big/first' RETURNING *
)
INSERT INTO slices_pathhead (organization_id, path, seq, mode, digest, size)
SELECT organization_id, path, seq, new_mode, new_digest, new_size FROM big
"""


@pytest.fixture
def server(transactional_db) -> Iterator[tuple[WebServer, str]]:
    """A web process with few connections and little patience, and a token."""
    world = World()
    world.land(world.slice("big", "big/**"), {"big/first": b"x"})
    with connection.cursor() as cursor:
        cursor.execute(GROW, [FILES])
    limits = {"GITSLICE_DATABASE_POOL": "4", "GITSLICE_SQL_TIMEOUT_SECONDS": "1"}
    server = WebServer(server_environment() | limits, workers=1)
    yield server, world.token(world.owner)
    server.stop()


def ask(server: WebServer, token: str, path: str, body: object = None) -> http.client.HTTPResponse:
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    if body is None:
        client.request("GET", f"/api/v1/slices/acme/big/{path}", headers=headers)
    else:
        client.request("POST", f"/api/v1/slices/acme/big/{path}", orjson.dumps(body), headers)
    response = client.getresponse()
    assert response.status == 200
    return response


def test_aborted_downloads_do_not_exhaust_the_pool(server):
    for _ in range(50):
        response = ask(*server, "manifest/")
        response.read(1000)
        response.close()
    for _ in range(10):
        assert ask(*server, "objects/", {"all": True}).read(8) == b"GSPACK\x00\x01"
        assert ask(*server, "status/").read()


def test_a_slow_reader_gets_everything_though_statements_have_a_limit(server):
    response = ask(*server, "manifest/")
    first = response.read(1000)
    time.sleep(2.5)  # longer than GITSLICE_SQL_TIMEOUT_SECONDS
    assert (first + response.read()).count(b"\n") == FILES + 1
