"""The system in its parts, each a process that can be killed and started again at the same address."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench.system import REPOSITORY, free_port
from gitslice.env import kept_secret, private_folder
from gitslice.ops import places, postgres, valkey
from gitslice.ops.processes import Process, spawn, stop
from gitslice.ops.run import BEAT, WEB, WEBHOOKS, WORKER

OWN = {
    "web": WEB,
    "worker": (*WORKER, "--queues", "celery", "--concurrency", "2"),
    "webhooks": WEBHOOKS,
    "beat": BEAT,
}
# Everything that runs now and then shall run often, so that kills meet it.
OFTEN = {
    "GITSLICE_SWEEP_SECONDS": "20",
    "GITSLICE_COMPACT_SECONDS": "30",
    "GITSLICE_GC_SECONDS": "60",
    "GITSLICE_FSCK_SECONDS": "60",
    "GITSLICE_MAIL_SECONDS": "20",
    "GITSLICE_WEB_WORKERS": "2",
}
START_SECONDS = 120


class System:
    """Started from the main thread only: Linux ends a child with the thread that started it."""

    def __init__(self, home: Path) -> None:
        private_folder(home)
        self.home = home
        self.port = int(os.environ.get("SOAK_PORT") or free_port())
        self.ports = {"PostgreSQL": free_port(), "Valkey": free_port()}
        self.password = kept_secret(home / "embedded_password")
        self.processes: dict[str, Process] = {}
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GITSLICE_")}
        self.redis_url = f"redis://:{self.password}@127.0.0.1:{self.ports['Valkey']}/0"
        self.environment = clean | {
            "GITSLICE_HOME": str(home),
            "GITSLICE_PORT": str(self.port),
            "GITSLICE_DEMO": "0",
            "DATABASE_URL": f"postgresql://gitslice:{self.password}@127.0.0.1:{self.ports['PostgreSQL']}/gitslice",
            "REDIS_URL": self.redis_url,
            "OBJECT_STORE_URL": f"file://{home}/objects",
            "DJANGO_SETTINGS_MODULE": "gitslice.settings",
            **OFTEN,
        }

    def start(self) -> None:
        self.start_part("Valkey")
        self.start_part("PostgreSQL")
        self.run("manage.py", "prepare")
        for name in OWN:
            self.start_part(name)

    def start_part(self, name: str) -> None:
        folder = places.servers_folder(self.home)
        if name == "Valkey":
            process = valkey.start(
                folder / "valkey", port=self.ports[name], password=self.password, durable=True, held=()
            )
        elif name == "PostgreSQL":
            process = postgres.start(
                folder / "postgresql", port=self.ports[name], password=self.password, durable=True, held=()
            )
        else:
            command = [sys.executable, *OWN[name]]
            if name == "beat":
                command += ["--schedule", str(self.home / "schedule")]
            environment = self.environment | {"GITSLICE_ROLE": "worker" if name == "webhooks" else name}
            process = spawn(command, environment=environment, log=self.home / f"{name}.log")
        self.processes[name] = process

    def kill_part(self, name: str) -> None:
        """`kill -9` of all its processes; waits until they are gone, as somebody who starts it again has to."""
        process = self.processes[name]
        doomed = [process.pid, *children(process.pid)]
        if name == "PostgreSQL":
            os.kill(process.pid, signal.SIGKILL)  # its other processes notice, and end themselves
        else:
            for pid in doomed:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        process.wait()
        deadline = time.monotonic() + 30
        while any(running(pid) for pid in doomed):
            if time.monotonic() > deadline:
                raise SystemExit(f"error: processes of {name} outlive it")
            time.sleep(0.02)

    def kill_child(self, name: str, choose: random.Random) -> int:
        """`kill -9` of one process below the part, which replaces it by itself; gives its id, 0 if there was none."""
        for pid in choose.sample(own := children(self.processes[name].pid), len(own)):
            if name != "PostgreSQL" or is_backend(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    return pid
        return 0

    def died(self) -> list[str]:
        """Parts that ended although nobody killed them."""
        return [name for name, process in self.processes.items() if process.poll() is not None]

    def run(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=REPOSITORY,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            text=True,
            check=True,
            stdout=subprocess.PIPE,
        )
        return done.stdout

    def ask(self, *what: str) -> dict:
        """An answer of bench/soak/inside.py."""
        code = f"from bench.soak.inside import tell; tell(*{what!r})"
        return json.loads(
            self.run("manage.py", "shell", "--no-imports", "--verbosity", "0", "--command", code)
        )

    def stop_part(self, name: str) -> None:
        process = self.processes.pop(name)
        if name == "PostgreSQL":
            postgres.end(process)
        else:
            stop(process)

    def stop(self) -> None:
        for name in reversed(list(self.processes)):
            self.stop_part(name)


def running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return sorted(set(found))


def is_backend(pid: int) -> bool:
    """Whether it is the process of a connection of ours."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return b"gitslice gitslice" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def memory(pid: int) -> int:
    """Bytes that are its own, and its part of what it shares."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    return 0


def open_files(pid: int) -> int:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return 0


def usage(system: System) -> dict[str, dict[str, int]]:
    """The largest process of web and worker: bytes and open files."""
    told = {}
    for name in ("web", "worker"):
        pids = [system.processes[name].pid, *children(system.processes[name].pid)]
        told[name] = {"bytes": max(map(memory, pids)), "files": max(map(open_files, pids))}
    return told
