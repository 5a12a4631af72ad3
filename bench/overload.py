"""What happens at once and at ten times the load that this machine can take: `make overload`, figures in
docs/reliability.md.

Requests come at a steady rate, whether those before were answered or not, as from people who do not know of each other;
nobody heeds Retry-After. Latency counts from the moment at which a request was due. The load is made on the same
machine, which is part of what it costs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bench.system import REPOSITORY, GitSlice

REPORT = REPOSITORY / "docs" / "reliability.md"
BEGIN, END = "<!-- written by `make overload` -->", "<!-- end -->"
PATHS = ("slices/acme/app/", "slices/acme/app/tree/", "slices/acme/app/manifest/", "slices/acme/app/commits/")
CALLERS = 20
FILES = 500
MOST_CONNECTIONS = 1_500


@dataclass
class Load:
    """Requests at `rate` a second for `seconds`."""

    name: str
    rate: float
    seconds: float
    statuses: Counter[int] = field(default_factory=Counter)
    accepted: list[float] = field(default_factory=list)  # seconds
    refused: list[float] = field(default_factory=list)
    without_retry_after: int = 0

    def note(self, status: int, seconds: float, retry_after: bool) -> None:
        self.statuses[status] += 1
        if status in (429, 503):
            self.refused.append(seconds)
            self.without_retry_after += not retry_after
        elif status == 200:
            self.accepted.append(seconds)

    def row(self) -> str:
        total = sum(self.statuses.values())
        failed = total - len(self.accepted) - len(self.refused)
        figures = [
            f"{total / self.seconds:.0f}/s",
            f"{len(self.accepted) / self.seconds:.0f}/s",
            *(f"{quantile(self.accepted, share):.2f} s" for share in (0.5, 0.99)),
            f"{100 * len(self.refused) / max(total, 1):.0f} %",
            f"{quantile(self.refused, 0.99):.2f} s" if self.refused else "-",
            str(failed),
            str(self.without_retry_after),
        ]
        return f"| {self.name} | {' | '.join(figures)} |"


def quantile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=100)[round(share * 100) - 1] if len(values) > 1 else float("nan")


class Caller:
    """Kept connections of many people to one server."""

    def __init__(self, port: int, tokens: list[str]) -> None:
        self.port, self.tokens = port, tokens
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.room = asyncio.Semaphore(MOST_CONNECTIONS)

    async def ask(self, number: int) -> tuple[int, bool]:
        """Status, and whether there is a Retry-After; 0 if the connection broke."""
        path, token = PATHS[number % len(PATHS)], self.tokens[number % len(self.tokens)]
        head = f"GET /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        async with self.room:
            try:
                kept = bool(self.idle)
                pair = self.idle.pop() if kept else await asyncio.open_connection("127.0.0.1", self.port)
                pair[1].write(head.encode())
                answer = await self._read(pair)
            except (OSError, asyncio.IncompleteReadError):
                return 0, False
        return answer

    async def _read(self, pair: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> tuple[int, bool]:
        reader, writer = pair
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        if "content-length" in headers:
            await reader.readexactly(int(headers["content-length"]))
        else:
            while size := int(await reader.readline(), 16):
                await reader.readexactly(size + 2)
            await reader.readline()
        if headers.get("connection") == "close":
            writer.close()
        else:
            self.idle.append(pair)
        return int(lines[0].split()[1]), "retry-after" in headers


async def capacity(caller: Caller, seconds: float, at_once: int = 16) -> float:
    """Requests a second, as many as there are places always under way."""
    done, end = 0, time.monotonic() + seconds

    async def work(first: int) -> None:
        nonlocal done
        number = first
        while time.monotonic() < end:
            status, _ = await caller.ask(number)
            done += status == 200
            number += at_once

    await asyncio.gather(*(work(number) for number in range(at_once)))
    return done / seconds


async def run(caller: Caller, load: Load) -> None:
    start = time.monotonic()

    async def one(number: int) -> None:
        due = start + number / load.rate
        await asyncio.sleep(max(due - time.monotonic(), 0))
        status, retry_after = await caller.ask(number)
        load.note(status, time.monotonic() - due, retry_after)

    coming = set()
    for number in range(int(load.rate * load.seconds)):
        await asyncio.sleep(max(start + number / load.rate - time.monotonic(), 0))
        task = asyncio.create_task(one(number))
        coming.add(task)
        task.add_done_callback(coming.discard)
    await asyncio.gather(*coming)


async def measure(port: int, tokens: list[str], seconds: float) -> list[str]:
    caller = Caller(port, tokens)
    await capacity(caller, min(seconds, 3))  # whatever is loaded or remembered at first
    most = await capacity(caller, seconds)
    print(f"capacity: {most:.0f} requests a second", flush=True)
    rows = []
    for name, factor in (("1 x", 1), ("10 x", 10)):
        load = Load(name, most * factor, seconds)
        await run(caller, load)
        rows.append(load.row())
        print(rows[-1], dict(load.statuses), flush=True)
    return rows


def tokens_of(system: GitSlice) -> list[str]:
    """Of one person; each is a caller of its own."""
    return [
        system.gs("token", "create", f"load-{number}", at=Path("/"))["secret"] for number in range(CALLERS)
    ]


def fill(system: GitSlice, folder: Path) -> None:
    source = folder / "source"
    source.mkdir()
    for number in range(FILES):
        (source / f"f{number:03}.txt").write_text(f"{number}\n" * 50)
    system.gs("import", "dir", "source", "--at", "app", at=folder)
    system.gs("slice", "create", "app", "--files", "app/**", at=folder)


def write(rows: list[str], seconds: float) -> None:
    text = REPORT.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    moment = time.strftime("%Y-%m-%d", time.gmtime())
    lines = [
        BEGIN,
        f"Measured on {moment}, {os.cpu_count()} cores, {seconds:g} s each, load and server on the same machine:",
        "",
        "| load | came | accepted | p50 | p99 | refused | p99 of refusals | failed | refused without Retry-After |",
        "|---|---|---|---|---|---|---|---|---|",
        *rows,
        END,
    ]
    REPORT.write_text(before + "\n".join(lines) + after)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="of each load")
    parser.add_argument("--dry-run", action="store_true", help="leave docs/reliability.md as it is")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        system = GitSlice(folder / "home")
        try:
            fill(system, folder)
            rows = asyncio.run(measure(system.port, tokens_of(system), options.seconds))
        finally:
            system.stop()
    if not options.dry_run:
        write(rows, options.seconds)


if __name__ == "__main__":
    main()
