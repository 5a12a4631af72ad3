"""Collects figures and writes them down."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


def timed(action: Callable[[], object]) -> float:
    """Seconds that it takes, after what was written before has reached the disk: nobody pays for the other's files."""
    os.sync()
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


@dataclass
class Results:
    rows: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def ratio(self, work: str, git: list[float], ours: list[float], limit: float, unit: str = "s") -> None:
        """Ours must be at most `limit` times git's median."""
        g, o = statistics.median(git), statistics.median(ours)
        self._row(work, f"{g:.3g} {unit}", f"{o:.3g} {unit}", o / g, "at most", limit, o / g <= limit)

    def speed(self, work: str, git: float, ours: float, least: float) -> None:
        """Ours must be at least `least` times git's rate."""
        self._row(work, f"{git:.3g}/s", f"{ours:.3g}/s", ours / git, "at least", least, ours / git >= least)

    def plain(self, work: str, before: str, after: str, ratio: float, limit: float) -> None:
        self._row(work, before, after, ratio, "at most", limit, ratio <= limit)

    def note(self, text: str) -> None:
        print(text, flush=True)
        self.notes.append(text)

    def _row(self, work: str, git: str, ours: str, ratio: float, kind: str, limit: float, met: bool) -> None:
        verdict = "met" if met else "**missed**"
        row = f"| {work} | {git} | {ours} | {ratio:.2f} | {kind} {limit:g} | {verdict} |"
        print(row, flush=True)
        self.rows.append(row)

    def write(self, path: Path, head: list[str]) -> None:
        git = subprocess.run(["git", "--version"], text=True, stdout=subprocess.PIPE).stdout.strip()
        lines = [
            "# Speed, measured against git",
            "",
            f"Written by `make bench` on {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}; {git};"
            f" Python {platform.python_version()}; {platform.system()} {platform.machine()}, 2 cores.",
            *head,
            "",
            "| work | git | GitSlice | ratio | target | |",
            "|---|---|---|---|---|---|",
            *self.rows,
            "",
            *(f"- {note}" for note in self.notes),
            "",
        ]
        path.write_text("\n".join(lines))
