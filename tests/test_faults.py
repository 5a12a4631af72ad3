"""Processes that are killed: nothing acknowledged is lost, nothing is half there, the same request gets the same answer."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from changesets.models import Changeset
from gitslice.ops.embedded import running
from slices.fsck import check_organization
from slices.models import Commit, PathHead
from tests.api import PACK, pack_of
from tests.processes import REPOSITORY, WebServer
from tests.world import World

ROUNDS = int(os.environ.get("GITSLICE_FAULT_ROUNDS", "6"))


class Caller:
    """Calls a server process over HTTP."""

    def __init__(self, server: WebServer, token: str) -> None:
        self.server, self.token = server, token

    def post(self, path: str, body: Any, **headers: str) -> dict[str, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = PACK if isinstance(body, bytes) else "application/json"
        request = urllib.request.Request(f"{self.server.url}/api/v1/{path}", data, method="POST")
        for name, value in {"Authorization": f"Bearer {self.token}", "Content-Type": kind, **headers}.items():
            request.add_header(name, value)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def land(self, path: str, content: bytes, key: str) -> dict[str, Any]:
        self.post("uploads/acme/", pack_of(content))
        return self.create(path, content, key)

    def create(self, path: str, content: bytes, key: str) -> dict[str, Any]:
        edit = {"op": "add", "path": path, "mode": "100644", "digest": hashlib.sha256(content).hexdigest()}
        body = {"title": path, "base": None, "edits": [edit], "merge": True}
        return self.post("slices/acme/web/changesets/", body, **{"Idempotency-Key": key})


@pytest.fixture
def world(transactional_db):
    world = World()
    world.slice("web", "web/**")
    return world


@pytest.mark.django_db(transaction=True)
def test_a_server_killed_between_upload_and_landing(world, web_server):
    caller = Caller(web_server, world.token(world.owner))
    caller.post("uploads/acme/", pack_of(b"content"))
    web_server.kill()
    web_server.start()
    assert caller.create("web/a", b"content", "k")["state"] == "merged"
    assert world.files() == {"web/a": b"content"}


@pytest.mark.django_db(transaction=True)
def test_a_server_killed_during_landings(world, web_server):
    """Killed at a random moment; whoever got no answer asks again and everybody's change is there once."""
    caller = Caller(web_server, world.token(world.owner))
    generator = random.Random(3)
    for number in range(ROUNDS):
        answers = kill_during(
            web_server, caller, [f"{number}-{place}" for place in range(4)], generator.random() * 0.15
        )
        web_server.start()
        for name, heard in answers.items():
            answer = caller.land(f"web/{name}", name.encode(), name)
            assert heard is None or heard["commit"] == answer["commit"]
    assert Commit.objects.count() == Changeset.objects.count() == ROUNDS * 4
    assert world.files() == {f"web/{n}-{p}": f"{n}-{p}".encode() for n in range(ROUNDS) for p in range(4)}
    assert list(check_organization(world.organization)) == []


def kill_during(
    server: WebServer, caller: Caller, names: list[str], delay: float
) -> dict[str, dict[str, Any] | None]:
    """Land all names at once and kill the server after `delay` seconds; gives the answers that were heard."""
    answers: dict[str, dict[str, Any] | None] = dict.fromkeys(names)

    def land(name: str) -> None:
        with contextlib.suppress(OSError, urllib.error.URLError, json.JSONDecodeError):
            answers[name] = caller.land(f"web/{name}", name.encode(), name)

    threads = [threading.Thread(target=land, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    time.sleep(delay)
    server.kill()
    for thread in threads:
        thread.join()
    return answers


@contextlib.contextmanager
def own_system(home: Path) -> Iterator[tuple[Any, WebServer, Caller]]:
    """Embedded servers that really write to disk, with a web server on them."""
    with running(home) as servers:
        environment = {
            "GITSLICE_HOME": str(home),
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "OBJECT_STORE_URL": f"file://{home}/objects",
            "DJANGO_SETTINGS_MODULE": "gitslice.settings",
        }
        run = {"cwd": REPOSITORY, "env": os.environ | environment, "check": True}
        subprocess.run([sys.executable, "manage.py", "prepare"], **run)
        server = WebServer(environment)
        try:
            yield (
                servers,
                server,
                Caller(server, (home / "token").read_text() if (home / "token").exists() else ""),
            )
        finally:
            server.stop()


def test_a_killed_database_loses_nothing_that_was_acknowledged(open_folder):
    home = open_folder / "home"
    with own_system(home) as (_, server, _):
        told = subprocess.run(
            [
                sys.executable,
                "manage.py",
                "bootstrap",
                "--org",
                "acme",
                "--user",
                "ann",
                "--password-stdin",
                "--token",
            ],
            cwd=REPOSITORY,
            env=server.environment,
            input="correct horse battery\n",
            text=True,
            check=True,
            capture_output=True,
        )
        caller = Caller(server, json.loads(told.stdout)["token"])
        (home / "token").write_text(caller.token)
        caller.post("slices/acme/", {"name": "web", "includes": ["web/**"]})
    heard: dict[str, str] = {}
    for number in range(3):
        with own_system(home) as (servers, server, caller):
            for name, answer in landings_until_the_database_dies(servers, caller, number).items():
                heard[name] = answer["commit"]
    with own_system(home) as (servers, server, caller):
        servers.processes["PostgreSQL"].kill()
        with pytest.raises(urllib.error.HTTPError) as refusal:
            caller.create("web/late", b"late", "late")
        assert (refusal.value.code, json.load(refusal.value)["code"]) == (503, "server_busy")
        page = urllib.request.Request(
            f"{server.url}/acme/slices/", headers={"Cookie": "sessionid=of-somebody"}
        )
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(page, timeout=60)
        assert refusal.value.code == 503
        assert "the database does not answer" in refusal.value.read().decode()
    with own_system(home) as (_, server, caller):
        for name, commit in heard.items():
            assert caller.create(f"web/{name}", name.encode(), name)["commit"] == commit
        subprocess.run(
            [sys.executable, "manage.py", "fsck"], cwd=REPOSITORY, env=server.environment, check=True
        )
    assert heard


def landings_until_the_database_dies(servers: Any, caller: Caller, number: int) -> dict[str, dict[str, Any]]:
    answers: dict[str, dict[str, Any]] = {}
    victim = servers.processes["PostgreSQL"].pid
    timer = threading.Timer(1.0, lambda: os.kill(victim, signal.SIGKILL))
    timer.start()
    with contextlib.suppress(OSError, urllib.error.URLError):
        for place in range(10_000):
            name = f"{number}-{place}"
            answers[name] = caller.land(f"web/{name}", name.encode(), name)
    timer.join()
    return answers


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path):
    """The store's folder is a small file system in a mount namespace of its own."""
    script = f"""
import io, os, sys
sys.path[:0] = [{str(REPOSITORY)!r}, {str(REPOSITORY / "cli")!r}]
from django.conf import settings
settings.configure(STORAGES={{"objects": {{"BACKEND": "django.core.files.storage.FileSystemStorage",
                                         "OPTIONS": {{"location": {str(tmp_path)!r}}}}}}})
from gitslice.common.errors import ServerBusy
from gitslice.objects.store import object_store
store = object_store()
try:
    with store.spool() as spooled:
        spooled.write(os.urandom(2 << 20))
        store.put_pack("1/ab/abc.pack", spooled)
except (ServerBusy, OSError) as error:
    print(type(error).__name__)
print(list(store.list("")), sum(len(files) for _, _, files in os.walk({str(tmp_path)!r})))
"""
    result = in_small_file_system(tmp_path, [sys.executable, "-c", script])
    assert result.stdout.splitlines()[-1] == "[] 0"


def in_small_file_system(
    folder: Path, command: list[str], **settings: Any
) -> subprocess.CompletedProcess[str]:
    mounted = f'mount -t tmpfs -o size=1m none {folder} && exec "$@"'
    return subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", mounted, "sh", *command],
        capture_output=True,
        text=True,
        check=True,
        **settings,
    )


@pytest.mark.django_db(transaction=True)
def test_nothing_is_named_before_it_is_stored(world, web_server):
    """Every head's content can be read back after servers were killed during uploads."""
    caller = Caller(web_server, world.token(world.owner))
    for number in range(3):
        kill_during(web_server, caller, [f"{number}-{place}" for place in range(6)], 0.03 * number)
        web_server.start()
    assert len(world.files()) == PathHead.objects.count()
