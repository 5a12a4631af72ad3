"""A line of progress on a terminal's stderr: files, bytes, rate, time left. Silent everywhere else."""

from __future__ import annotations

import sys
import time

from gs import output
from gs.style import size

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

INTERVAL = 0.1  # seconds between two drawings


class Progress:
    """`with Progress("Downloading", files, bytes) as p: p.advance(files=1, bytes=n)`. Totals may be None (unknown)."""

    def __init__(self, label: str, total_files: int | None = None, total_bytes: int | None = None):
        self.label = label
        self.total_files = total_files
        self.total_bytes = total_bytes
        self.files = 0
        self.bytes = 0
        self._visible = sys.stderr.isatty() and not output.is_quiet()
        self._drawn = 0.0

    def __enter__(self) -> Self:
        self._start = time.monotonic()
        return self

    def advance(self, files: int = 0, bytes: int = 0) -> None:
        """Count work done; draws at most ten times a second."""
        self.files += files
        self.bytes += bytes
        if self._visible:
            now = time.monotonic()
            if now - self._drawn >= INTERVAL:
                self._drawn = now
                sys.stderr.write("\r" + self.line(now - self._start) + "\x1b[K")
                sys.stderr.flush()

    def line(self, seconds: float) -> str:
        """The text after `seconds` of work: `Downloading 12/40 files  3.1 MiB/9.0 MiB  5.2 MiB/s  1 s left`."""
        parts = [f"{self.label} {_of(f'{self.files:,}', self.total_files, '{:,}'.format)} files"]
        if self.bytes or self.total_bytes:
            parts.append(_of(size(self.bytes), self.total_bytes, size))
            rate = self.bytes / seconds if seconds > 0 else 0
            parts.append(f"{size(int(rate))}/s")
            if self.total_bytes and rate:
                parts.append(f"{max(self.total_bytes - self.bytes, 0) / rate:.0f} s left")
        return "  ".join(parts)

    def __exit__(self, *exc: object) -> None:
        if self._visible and self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _of(done: str, total: int | None, show: Callable[[int], str]) -> str:
    return done if total is None else f"{done}/{show(total)}"
