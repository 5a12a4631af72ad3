"""The embedded servers: real PostgreSQL and Valkey from their wheels, under one data folder.

They answer on loopback only and ask for a generated password. `embedded.json` in the data folder says where they are;
settings read it, so that every command finds the running servers. Imports no Django: it runs before settings load.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gitslice.env import FACTS, kept_secret, private_folder
from gitslice.ops import postgres, valkey
from gitslice.ops.places import EmbeddedServerError, servers_folder
from gitslice.ops.processes import Process, alive

LEFTOVERS_SECONDS = 30


@dataclass(frozen=True)
class Embedded:
    """Where the servers are, and their processes by name. A URL is empty if that server was not asked for."""

    home: Path
    database_url: str
    redis_url: str
    processes: dict[str, Process]


@contextlib.contextmanager
def running(
    home: Path, *, durable: bool = True, database: bool = True, redis: bool = True
) -> Iterator[Embedded]:
    """The servers, started in `home` and stopped at the end. One process at a time may hold a data folder.

    `durable=False` leaves out waiting for the disk; for tests only.
    """
    private_folder(home)
    with owned(home) as lock, contextlib.ExitStack() as stack:
        password = kept_secret(home / "embedded_password")
        folder = servers_folder(home) if database or redis else home
        processes: dict[str, Process] = {}
        database_url = redis_url = ""
        if redis:
            port = free_port()
            process = valkey.start(
                folder / "valkey", port=port, password=password, durable=durable, held=[lock]
            )
            processes["Valkey"] = process
            stack.callback(valkey.end, process)
            redis_url = f"redis://:{password}@127.0.0.1:{port}/0"
        if database:
            port = free_port()
            process = postgres.start(
                folder / "postgresql", port=port, password=password, durable=durable, held=[lock]
            )
            processes["PostgreSQL"] = process
            stack.callback(postgres.end, process)
            database_url = f"postgresql://gitslice:{password}@127.0.0.1:{port}/gitslice"
        embedded = Embedded(home, database_url, redis_url, processes)
        _write_facts(embedded)
        stack.callback((home / FACTS).unlink, missing_ok=True)
        yield embedded


@contextlib.contextmanager
def owned(home: Path) -> Iterator[int]:
    """Hold the data folder; gives the lock's file descriptor.

    Servers inherit it, so the lock is free only when all of them are gone: those of an owner that was killed get
    a moment to end.
    """
    with (home / "lock").open("a+") as file:
        _lock(file.fileno(), home)
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), str(os.getpid()).encode())
        yield file.fileno()


def _lock(descriptor: int, home: Path) -> None:
    deadline = time.monotonic() + LEFTOVERS_SECONDS
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = int(os.pread(descriptor, 20, 0) or 0)
            if owner and alive(owner):
                raise EmbeddedServerError(
                    f"{home} is in use by another running GitSlice (process {owner})"
                ) from None
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"servers of a killed GitSlice still run in {home}") from None
        time.sleep(0.05)


def _write_facts(embedded: Embedded) -> None:
    path = embedded.home / FACTS
    unfinished = path.with_suffix(".new")
    unfinished.touch(mode=0o600)
    unfinished.write_text(
        json.dumps({"database_url": embedded.database_url, "redis_url": embedded.redis_url})
    )
    unfinished.rename(path)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
