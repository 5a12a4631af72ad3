"""`kill -9` of one part after another, at random from the seed, and how long it took until it served again."""

from __future__ import annotations

import contextlib
import http.client
import random
import sys
import time
from typing import LiteralString

import celery
import psycopg

from bench.soak.ledger import Ledger, Outage
from bench.soak.parts import START_SECONDS, System, children, running

PARTS = ("web", "worker", "beat", "Valkey", "PostgreSQL")
CHILDREN = {"web process": "web", "worker process": "worker", "database connection": "PostgreSQL"}
KINDS = (*PARTS, *CHILDREN)
DOWN_SECONDS, BETWEEN_SECONDS = (0.2, 2.0), (2.0, 9.0)
POLL_SECONDS = 0.1


class Killer:
    """Kills each kind once in every round, in an order that the seed decides."""

    def __init__(self, system: System, ledger: Ledger, seed: int) -> None:
        self.system, self.ledger = system, ledger
        self.random = random.Random(seed)
        self.celery = celery.Celery("soak", broker=system.redis_url)
        self.killed = 0  # id of the process that was killed, if it was one below a part
        self.landed = 0  # seq of the newest commit when beat was started again

    def run(self, ends: float) -> None:
        """From the main thread: what is started here lives as long as it."""
        while True:
            for kind in self.random.sample(KINDS, len(KINDS)):
                time.sleep(self.random.uniform(*BETWEEN_SECONDS))
                if time.time() > ends:
                    return
                self.kill(kind)

    def kill(self, kind: str) -> None:
        outage = Outage(kind, time.time(), ended=float("inf"))
        self.ledger.outages.append(outage)
        if kind in CHILDREN:
            part = CHILDREN[kind]
            before = set(children(self.system.processes[part].pid))
            self.killed = self.system.kill_child(part, self.random)
            outage.started = time.time()
        else:
            part, before = kind, set()
            self.system.kill_part(part)
            time.sleep(self.random.uniform(*DOWN_SECONDS))
            outage.started = time.time()
            self.system.start_part(part)
        if kind == "beat":
            self.landed = self._seq("SELECT max(seq) FROM slices_commit")
        self._wait(kind, part, len(before))
        outage.ended = time.time()
        say(
            f"{kind}: down for {outage.seconds:.1f} s, {outage.ended - outage.started:.1f} s of them to recover"
        )

    def _wait(self, kind: str, part: str, count: int) -> None:
        deadline = time.time() + START_SECONDS
        while not self._serves(kind, part, count):
            if died := self.system.died():
                raise SystemExit(f"error: {', '.join(died)} ended after {kind} was killed")
            if time.time() > deadline:
                self.ledger.is_wrong(f"{kind} does not serve {START_SECONDS} s after it was killed")
                return
            time.sleep(POLL_SECONDS)

    def _serves(self, kind: str, part: str, count: int) -> bool:
        if kind in CHILDREN and running(self.killed):
            return False
        if part == "worker":
            return self._worker_answers()
        if part == "beat":
            return self._searched() > self.landed
        if kind == "web process" and len(children(self.system.processes["web"].pid)) < count:
            return False
        return is_ready(self.system.port)

    def _searched(self) -> int:
        """How far what beat has made every few seconds came: it has no door to knock at."""
        return self._seq("SELECT max(seq) FROM slices_searchstate")

    def _seq(self, query: LiteralString) -> int:
        with psycopg.connect(self.system.environment["DATABASE_URL"]) as connection:
            found = connection.execute(query).fetchone()
        return (found and found[0]) or 0

    def _worker_answers(self) -> bool:
        with contextlib.suppress(Exception):  # whatever a client of a queue raises: not yet
            told = self.celery.control.ping(timeout=1.0)
            return any(name.startswith("celery@") for one in told for name in one)
        return False


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
