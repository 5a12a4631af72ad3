"""Parts of the system as child processes: all of them, or none."""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from gitslice.ops.processes import Process, spawn, stop

READY_SECONDS = 120
POLL_SECONDS = 0.1


class Stopped(Exception):
    """Someone asked us to stop."""


class ChildEnded(Exception):
    """A part ended that should not; the text names it."""


class Supervisor:
    """Starts the parts in order, watches them, and stops them in the reverse order."""

    def __init__(
        self, servers: dict[str, Process], environment: dict[str, str], stopping: threading.Event
    ) -> None:
        self.environment = environment
        self.children = dict(servers)
        self.own: list[Process] = []
        self.stopping = stopping

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.own:
            if process.poll() is None:
                process.terminate()
        for process in self.own:
            stop(process)

    def run_to_end(self, name: str, *command: str) -> str:
        """Run a Python command that must succeed; gives its standard output."""
        with tempfile.TemporaryFile() as file:
            process = spawn([sys.executable, *command], environment=self.environment, output=file.fileno())
            self.own.append(process)
            while process.poll() is None:
                self._pause()
            self.own.remove(process)
            if process.returncode:
                raise ChildEnded(f"{name} failed ({_ending(process.returncode)})")
            file.seek(0)
            return file.read().decode()

    def start(self, name: str, role: str, *command: str) -> None:
        """Start a Python command that runs until we stop it; `role` is its GITSLICE_ROLE."""
        environment = self.environment | {"GITSLICE_ROLE": role}
        process = spawn([sys.executable, *command], environment=environment)
        self.children[name] = process
        self.own.append(process)

    def wait_until(self, name: str, answers: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not answers():
            self._pause()
            if time.monotonic() > deadline:
                raise ChildEnded(f"{name} did not answer within {READY_SECONDS} s")

    def watch(self) -> NoReturn:
        """Wait for Stopped, or for ChildEnded if a part ends by itself."""
        while True:
            self._pause()

    def _pause(self) -> None:
        if self.stopping.wait(POLL_SECONDS):
            raise Stopped
        for name, process in self.children.items():
            if process.poll() is not None:
                raise ChildEnded(f"{name} ended by itself ({_ending(process.returncode)})")


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
