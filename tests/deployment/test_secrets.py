"""Secrets of the configuration: in files, and nowhere that people look."""

from __future__ import annotations

import contextlib
import os
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.processes import WebServer, free_port, server_environment
from tests.test_hardening import broken_database
from tests.world import World

MARKER = "Marked4secrecy"


def command_lines() -> str:
    """Of all processes that we may look at."""
    found = b""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += file.read_bytes() + b"\n"
    return found.decode(errors="replace")


def answer_of(server: WebServer, path: str, **headers: str) -> str:
    request = urllib.request.Request(server.url + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return f"{answer.status} {answer.headers} {answer.read().decode()}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.headers} {error.read().decode()}"


@pytest.mark.parametrize("debug", ["0", "1"])
def test_no_secret_shows_while_everything_fails(transactional_db, tmp_path, debug):
    given = server_environment()
    names = {
        "GITSLICE_SECRET_KEY": f"{MARKER}-key",
        "GITSLICE_SECRET_KEY_FALLBACKS": f"{MARKER}-old",
        "GITSLICE_METRICS_TOKEN": f"{MARKER}-metrics",
        "GITSLICE_EMAIL_URL": f"smtp://me:{MARKER}-mail@127.0.0.1:{free_port()}",
        "AWS_ACCESS_KEY_ID": f"{MARKER}-access",
        "AWS_SECRET_ACCESS_KEY": f"{MARKER}-s3",
        "REDIS_PASSWORD": f"{MARKER}-redis",
    }
    for name, text in names.items():
        (tmp_path / name).write_text(text)
    given |= {f"{name}_FILE": str(tmp_path / name) for name in names}
    given |= {
        "REDIS_URL": given["REDIS_URL"].replace("redis://:", f"redis://:{MARKER}"),
        "OBJECT_STORE_URL": f"s3://bucket?endpoint=http://127.0.0.1:{free_port()}",
        "GITSLICE_LOG_LEVEL": "DEBUG",
        "GITSLICE_DEBUG": debug,
    }
    world = World()
    token = world.token(world.owner)
    with (tmp_path / "log").open("wb") as log:
        server = WebServer(given, workers=1, errors=log)
    try:
        with broken_database():
            answers = [
                answer_of(server, path, Authorization=f"Bearer {token}")
                for path in ("/readyz", "/metrics", "/api/v1/slices/", "/acme/slices/", "/login/")
            ]
        lines = command_lines()
    finally:
        server.stop()
    assert answers[0].startswith("503")
    assert any(answer.startswith("500") for answer in answers)
    assert any("Traceback" in answer for answer in answers) == (debug == "1")
    written = (tmp_path / "log").read_text()
    assert "Traceback" in written
    database_password = os.environ["DATABASE_URL"].partition("gitslice:")[2].partition("@")[0]
    assert len(database_password) > 20
    for place in (*answers, lines, written):
        assert MARKER not in place
        assert database_password not in place
