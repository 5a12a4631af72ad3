"""Clients that are no plain callers: who watches an event stream, and `gs` itself."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path

from bench.soak.calling import PATIENCE_SECONDS, Caller
from bench.soak.clients import Client, digest_of
from bench.soak.ledger import Landing
from bench.system import PROGRAMS

NETWORK = 2  # exit code of `gs` after which one tries again


class Watcher(Client):
    """Keeps an event stream, resumed where it broke off: positions only grow."""

    last = 0

    def step(self) -> None:
        began = time.time()
        try:
            self._watch()
        except (OSError, ValueError) as error:
            if not isinstance(error, TimeoutError):  # a stream may end, and a silent one is asked for again
                self.ledger.count("event stream", f"broke off ({type(error).__name__})")
                self.ledger.trouble(began, time.time(), f"event stream: {type(error).__name__}")
        self.caller.close()

    def _watch(self) -> None:
        self.caller = Caller(self.port, self.ledger, self.person.token)
        self.caller._until_answered("event stream opened", "GET", "/livez", None, {})
        connection = self.caller.connection
        if connection is None:
            return
        headers = self.caller.headers | ({"Last-Event-ID": str(self.last)} if self.last else {})
        connection.request("GET", "/api/v1/events/acme/", headers=headers)
        connection.sock.settimeout(min(PATIENCE_SECONDS, 20))
        answer = connection.getresponse()
        if answer.status != 200:
            if answer.status != 503:
                self.ledger.is_wrong(f"event stream: {answer.status}")
            return
        while time.time() < self.ends and (line := answer.readline()):
            if line.startswith(b"id: "):
                self._heard(int(line[4:]))

    def _heard(self, position: int) -> None:
        if position <= self.last:
            self.ledger.is_wrong(f"event stream: event {position} after {self.last}")
        self.last = position
        self.ledger.events += 1


class Gs(Client):
    """A person with a working directory: real `gs` processes that submit, pull and look around."""

    def run(self) -> None:
        with tempfile.TemporaryDirectory(prefix="gitslice-soak-gs-") as folder:
            self.folder = Path(folder) / self.slice
            self.environment = {
                "PATH": "/usr/bin:/bin",
                "HOME": folder,
                "GITSLICE_API_ENDPOINT": f"http://127.0.0.1:{self.port}",
                "GITSLICE_AUTH_TOKEN": self.person.token,
                "GITSLICE_ORGANIZATION": "acme",
                "GITSLICE_CONFIG_DIR": str(Path(folder) / "config"),
            }
            super().run()

    def step(self) -> None:
        if not self.folder.exists():
            self.gs("init", f"acme/{self.slice}", str(self.folder), at=self.folder.parent)
            return
        title = self.title()
        path = f"{self.slice}/{self.name}/{self.count % 10}.txt"
        content = f"{path} of {title}\n".encode() * 5
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(content)
        began = time.time()
        self.ledger.sending(title)
        told = self.gs("submit", "-m", title, at=self.folder)
        if told is None:
            return
        files = {path: digest_of(content)}
        merged = tuple(told["merged_paths"])
        self.ledger.landed(Landing(title, told["commit"], files, "", began, time.time(), merged))
        self.ledger.standing[path] = digest_of(content)
        for command in (["pull"], ["status"], ["log"], ["conflict", "list"]):
            if self.random.random() < 0.4:
                self.gs(*command, at=self.folder)

    def gs(self, *arguments: str, at: Path) -> dict | None:
        """Run `gs` until it reached the server, as a person would."""
        while True:
            began = time.time()
            done = subprocess.run(
                [PROGRAMS / "gs", *arguments, "--json"],
                cwd=at,
                env=self.environment,
                text=True,
                capture_output=True,
            )
            refusal = f"gs: exit {done.returncode}" if done.returncode else ""
            self.ledger.count(f"gs {arguments[0]}", refusal)
            if not done.returncode:
                return json.loads(done.stdout)
            if done.returncode != NETWORK:
                self.ledger.is_wrong(
                    f"gs {' '.join(arguments)}: {done.returncode} {done.stderr.strip()[-300:]}"
                )
                return None
            self.ledger.trouble(began, time.time(), f"gs {arguments[0]}: {done.stderr.strip()[-200:]}")
            if time.time() > self.ends + 180:
                self.ledger.is_wrong(f"gs {arguments[0]}: no answer")
                return None
            time.sleep(0.3)
