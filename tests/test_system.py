"""The whole system as it is started for people: embedded, and on servers of one's own with objects in S3."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gitslice.ops.embedded import running
from tests.processes import REPOSITORY, free_port, wait_for

PROGRAMS = Path(sys.executable).parent


class System:
    """`make run` without the installing."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.port = free_port()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GITSLICE_")}
        for name in ("DATABASE_URL", "REDIS_URL", "OBJECT_STORE_URL", "DJANGO_SETTINGS_MODULE"):
            clean.pop(name, None)
        self.environment = clean | {"GITSLICE_HOME": str(home), "GITSLICE_PORT": str(self.port)} | settings
        self.environment["GITSLICE_CONFIG_DIR"] = str(home / "person")
        self.log = home.with_name(f"{home.name}.log")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gitslice.ops.run"],
                cwd=REPOSITORY,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(f"http://127.0.0.1:{self.port}/readyz", self.process, 120)

    def manage(self, *arguments: str, stdin: str = "") -> str:
        command = [sys.executable, "manage.py", *arguments]
        return self._run(command, stdin, REPOSITORY)

    def gs(self, *arguments: str, at: Path) -> Any:
        return json.loads(self._run([str(PROGRAMS / "gs"), *arguments, "--json"], "", at))

    def _run(self, command: list[str], stdin: str, folder: Path) -> str:
        result = subprocess.run(
            command, cwd=folder, env=self.environment, input=stdin, text=True, capture_output=True
        )
        assert result.returncode == 0, (command, result.stdout, result.stderr, self.log.read_text()[-3000:])
        return result.stdout

    def sign_in(self) -> None:
        told = json.loads(
            self.manage(
                *("bootstrap", "--org", "acme", "--user", "ann", "--password-stdin", "--token"),
                stdin="correct horse battery\n",
            )
        )
        assert told["organization"] == "acme"
        self.environment["GITSLICE_AUTH_TOKEN"] = told["token"]
        self.environment["GITSLICE_API_ENDPOINT"] = f"http://127.0.0.1:{self.port}"

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture
def folder(open_folder):
    return open_folder


def land_and_look(system: System, folder: Path) -> None:
    source = folder / "source"
    source.mkdir(exist_ok=True)
    (source / "a.txt").write_text("a\n")
    (source / "b.bin").write_bytes(os.urandom(100_000))
    assert system.gs("import", "dir", "source", "--at", "lib", at=folder)["files"] == 2
    system.gs("slice", "create", "lib", "--files", "lib/**", at=folder)
    assert system.gs("init", "lib", at=folder)["files"] == 2
    (folder / "lib" / "lib" / "a.txt").write_text("changed\n")
    assert system.gs("submit", "-m", "Change", at=folder / "lib")["state"] == "merged"
    assert (folder / "lib" / "lib" / "b.bin").read_bytes() == (source / "b.bin").read_bytes()


def test_it_starts_serves_stops_and_starts_again(folder):
    home = folder / "home"
    system = System(home, GITSLICE_DEMO="0")
    system.sign_in()
    land_and_look(system, folder)
    assert system.stop() == 0
    assert "error" not in system.log.read_text().lower()
    again = System(home, GITSLICE_DEMO="0")
    again.environment |= {"GITSLICE_AUTH_TOKEN": system.environment["GITSLICE_AUTH_TOKEN"]}
    again.environment["GITSLICE_API_ENDPOINT"] = f"http://127.0.0.1:{again.port}"
    assert len(again.gs("log", "lib", at=folder)["items"]) == 2
    again.manage("fsck")
    assert again.stop() == 0


def test_it_works_on_servers_of_ones_own_with_objects_in_s3(folder, s3_server):
    with running(folder / "servers", durable=False) as servers:
        urls = {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url, "GITSLICE_DEMO": "0"}
        system = System(folder / "home", **urls, **s3_server.environment("gitslice-system"))
        system.sign_in()
        land_and_look(system, folder)
        system.gs("cache", "clear", at=folder)
        assert system.gs("slice", "checkout", "lib", "out", at=folder)["files"] == 2
        assert (folder / "out" / "lib" / "a.txt").read_text() == "changed\n"
        assert system.stop() == 0


def test_the_demo_has_something_to_look_at(folder):
    home = folder / "home"
    system = System(home)
    system.environment["GITSLICE_AUTH_TOKEN"] = (home / "demo_token").read_text().strip()
    system.environment["GITSLICE_API_ENDPOINT"] = f"http://127.0.0.1:{system.port}"
    slices = {item["slice"]: item for item in system.gs("slice", "list", at=folder)["items"]}
    assert len(slices) >= 5
    assert slices["acme/orm"]["pending_changesets"] == 1
    (conflict,) = system.gs("conflict", "list", "--slice", "acme/orm", at=folder)["items"]
    assert conflict["path"] == "django/core/exceptions.py"
    states = {item["state"] for item in system.gs("changeset", "list", at=folder)["items"]}
    assert {"merged", "pending", "approved", "in_review"} <= states
    system.manage("fsck")
    assert system.stop() == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITSLICE_PORT", "http"),
        ("DATABASE_URL", "mysql://x"),
        ("REDIS_URL", "memcached://x"),
        ("OBJECT_STORE_URL", "ftp://x"),
        ("GITSLICE_DEMO", "perhaps"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_line_that_names_it(tmp_path, name, value):
    environment = os.environ | {"GITSLICE_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "gitslice.settings"}
    result = subprocess.run(
        [sys.executable, "-m", "gitslice.ops.run"],
        cwd=REPOSITORY,
        env=environment | {name: value},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert name in line
