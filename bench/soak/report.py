"""The figures of a run, as they go into docs/reliability.md."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.soak.killing import KINDS
from bench.soak.ledger import Ledger, Outage, share

BEGIN, END = "<!-- soak: written by make soak -->", "<!-- soak: end -->"


@dataclass(frozen=True)
class Run:
    seconds: float
    clients: int
    seed: int
    load: tuple[float, float]  # the machine's load average before and at the end of the traffic
    rest_seconds: float
    open_changesets: int
    conflicts: int
    global_number: int
    before: dict[str, dict[str, int]]
    after: dict[str, dict[str, int]]
    wrong: int


def pause_around(outage: Outage, landed: list[float]) -> float:
    """The longest time without an acknowledged landing that has to do with the outage."""
    spans = [(was, then) for was, then in pairwise(landed) if then >= outage.began and was <= outage.ended]
    return max((then - was for was, then in spans), default=0.0)


def lines(run: Run, ledger: Ledger) -> Iterator[str]:
    waits = [landing.ended - landing.began for landing in ledger.landings.values()]
    total = sum(ledger.requests.values())
    yield (
        f"{time.strftime('%Y-%m-%d', time.gmtime())}: {run.seconds:.0f} s of traffic from {run.clients} clients, seed"
        f" {run.seed}, Python {platform.python_version()}, {os.cpu_count()} cores with a load average of"
        f" {run.load[0]:.1f} before and {run.load[1]:.1f} at the end (others used the machine as well)."
    )
    yield ""
    yield (
        f"{total:,} requests ({total / run.seconds:.0f}/s), {len(ledger.landings):,} landings acknowledged: half within"
        f" {share(waits, 0.5):.2f} s, 99 % within {share(waits, 0.99):.1f} s, all within {max(waits, default=0):.1f} s,"
        f" repeated requests and outages counted in. {len(ledger.proposals):,} proposals; {ledger.events:,} events were"
        f" streamed. {len(ledger.outages)} kills. At rest {run.rest_seconds:.0f} s after the last request; global commit"
        f" g{run.global_number}; {run.open_changesets} open changesets with {run.conflicts} conflicts, which a fresh"
        f" detection finds as well. Wrong: {run.wrong or 'nothing'}."
    )
    yield ""
    yield from _kills(ledger)
    yield ""
    yield from _counts("refusals and lost answers", ledger.refusals)
    yield ""
    yield from _counts("requests", ledger.requests)
    yield ""
    yield "| largest process | memory at the start | at rest after | open files at the start | at rest after |"
    yield "|---|---|---|---|---|"
    for name, was in run.before.items():
        now = run.after[name]
        yield (
            f"| {name} | {was['bytes'] >> 20} MiB | {now['bytes'] >> 20} MiB | {was['files']} | {now['files']} |"
        )


def _kills(ledger: Ledger) -> Iterator[str]:
    landed = sorted(landing.ended for landing in ledger.landings.values())
    yield "| killed | times | longest outage | to serve again: median | longest | longest without a landing |"
    yield "|---|---|---|---|---|---|"
    for kind in KINDS:
        outages = [outage for outage in ledger.outages if outage.kind == kind]
        recoveries = [outage.ended - outage.started for outage in outages]
        if outages:
            yield (
                f"| {kind} | {len(outages)} | {max(outage.seconds for outage in outages):.1f} s |"
                f" {share(recoveries, 0.5):.1f} s | {max(recoveries):.1f} s |"
                f" {max(pause_around(outage, landed) for outage in outages):.1f} s |"
            )


def _counts(name: str, counts: dict[str, int]) -> Iterator[str]:
    yield f"| {name} | |"
    yield "|---|---|"
    for what, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        yield f"| {what} | {count:,} |"


def put_between_marks(text: str, part: list[str]) -> str:
    """The page with its marked part replaced. Raises ValueError if it has no such part."""
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the page has no part between {BEGIN} and {END}")
    return "\n".join([before + BEGIN, "", *part, "", end + after])


def write(page: Path, part: list[str]) -> None:
    page.write_text(put_between_marks(page.read_text(), part))
