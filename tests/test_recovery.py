"""The embedded database is set back to a moment that no backup was made at, as docs/backup.md says."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from gitslice.ops import places, postgres
from gitslice.ops.embedded import Embedded, running


@pytest.fixture
def home(open_folder):
    home = open_folder / "home"
    home.mkdir()
    return home


@pytest.fixture
def archive(home):
    """Where the server may write, whoever it runs as."""
    folder = places.servers_folder(home) / "archive"
    folder.mkdir()
    places.give(folder, 0o700)
    return folder


def test_a_recovery_to_a_moment(home, archive, tmp_path):
    base = tmp_path / "base"
    with running(home, redis=False) as servers, administrator(servers) as own:
        own.execute("ALTER SYSTEM SET archive_mode = on")
        own.execute(f"ALTER SYSTEM SET archive_command = 'test ! -f {archive}/%f && cp %p {archive}/%f'")
    with running(home, redis=False) as servers, administrator(servers) as own:
        own.execute("CREATE TABLE landed (name text)")
        own.execute("INSERT INTO landed VALUES ('before the base backup')")
        copy_base(servers, base)
        own.execute("INSERT INTO landed VALUES ('after it')")
        moment = own.execute("SELECT now()").fetchone()[0]
        time.sleep(0.1)
        own.execute("DROP TABLE landed")
        wait_until_archived(own)
    shutil.rmtree(cluster(home))
    set_back(home, base, archive, moment.isoformat())
    with running(home, redis=False) as servers, administrator(servers) as own:
        assert own.execute("SELECT name FROM landed").fetchall() == [
            ("before the base backup",),
            ("after it",),
        ]
        own.execute("INSERT INTO landed VALUES ('and on it goes')")


def cluster(home: Path) -> Path:
    return places.servers_folder(home) / "postgresql" / "data"


def administrator(servers: Embedded) -> psycopg.Connection:
    address = servers.database_url.rpartition("@")[2]
    password = (places.servers_folder(servers.home) / "postgres_password").read_text()
    return psycopg.connect(f"postgresql://postgres:{password}@{address}", autocommit=True)


def copy_base(servers: Embedded, base: Path) -> None:
    with administrator(servers) as own:
        info = own.info
        command = [postgres.program("pg_basebackup"), "-h", info.host, "-p", str(info.port), "-U", "postgres"]
        subprocess.run(
            [*command, "-D", str(base), "--checkpoint=fast"],
            env={"PGPASSWORD": info.password},
            check=True,
        )
    subprocess.run([postgres.program("pg_verifybackup"), str(base)], check=True, stdout=subprocess.DEVNULL)


def wait_until_archived(own: psycopg.Connection) -> None:
    """The file of the log that is being written is archived only once it is full, or another is begun."""
    file = own.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()[0]
    deadline = time.monotonic() + 30
    while (own.execute("SELECT last_archived_wal FROM pg_stat_archiver").fetchone()[0] or "") < file:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def set_back(home: Path, base: Path, archive: Path, moment: str) -> None:
    data = cluster(home)
    shutil.copytree(base, data)
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write(f"restore_command = 'cp {archive}/%f %p'\n")
        file.write(f"recovery_target_time = '{moment}'\n")
        file.write("recovery_target_action = 'promote'\nhot_standby = off\n")
    (data / "recovery.signal").touch()
    for path in (data, *data.rglob("*")):
        places.give(path, 0o700 if path.is_dir() else 0o600)
