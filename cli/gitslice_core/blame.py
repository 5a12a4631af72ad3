"""Which version of a text each of its lines came with.

The versions are walked from the newest to the oldest. Each step compares two neighbours and costs no more than reading
both, and a line diff of what differs between their common start and end.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, count

from gitslice_core.diff import MOST_MOVES, diff_interned, placing, split_lines

BLOCK = 64 << 10  # bytes that are compared at once
GONE = -1


class Walk:
    """The walk through the versions of one text. `left` is the number of its lines whose version is not known yet."""

    def __init__(self, newest: bytes) -> None:
        lines = split_lines(newest)
        self._content = newest
        self._numbers = defaultdict[bytes, int](
            count().__next__
        )  # one for each different line of any version
        self._interned = self._number(lines)
        self._lines = list(
            range(len(lines))
        )  # the newest text's line (from 0) of each line of the version at hand
        self.left = len(lines)

    def older(self, content: bytes) -> list[int]:
        """Go on to the version before; gives the newest text's lines, counted from 0, that it lacks and that came with
        the version at hand."""
        skipped, old, new = differing(content, self._content)
        old_numbers, end = self._number(old), skipped + len(new)
        came: list[int] = []
        parts: list[list[int]] = []
        at = 0
        for change in diff_interned(old_numbers, self._interned[skipped:end], placing(old), placing(new)):
            first, last = skipped + change.new_start, skipped + change.new_end
            came += self._lines[first:last]
            parts += [self._lines[at:first], [GONE] * (change.old_end - change.old_start)]
            at = last
        parts.append(self._lines[at:])
        self._lines = list(chain.from_iterable(parts))
        self._interned[skipped:end] = old_numbers
        self._content = content
        came = [line for line in came if line != GONE]
        self.left -= len(came)
        return came

    def rest(self) -> list[int]:
        """The lines whose version is not known yet: all that are left came with the version at hand, or before."""
        return [line for line in self._lines if line != GONE]

    def _number(self, lines: list[bytes]) -> list[int]:
        return list(map(self._numbers.__getitem__, lines))


def differing(old: bytes, new: bytes) -> tuple[int, list[bytes], list[bytes]]:
    """How many lines both begin with, and the lines of each that follow, without those that both end with. Around what
    differs stay as many common lines as a diff may move a change."""
    start = _lines_back(new, _common_start(old, new), MOST_MOVES)
    end = _lines_ahead(new, len(new) - _common_end(old, new, start), MOST_MOVES)
    tail = len(new) - end
    return new.count(b"\n", 0, start), split_lines(old[start : len(old) - tail]), split_lines(new[start:end])


def _common_start(old: bytes, new: bytes) -> int:
    """Bytes that both begin with."""
    most = min(len(old), len(new))
    at = 0
    while at < most and old[at : at + BLOCK] == new[at : at + BLOCK]:
        at += BLOCK
    step = BLOCK
    while step:
        if at + step <= most and old[at : at + step] == new[at : at + step]:
            at += step
        else:
            step //= 2
    return min(at, most)


def _common_end(old: bytes, new: bytes, start: int) -> int:
    """Bytes that both end with, of those after `start`."""
    most = min(len(old), len(new)) - start
    count, step = 0, BLOCK
    while step:
        old_end, new_end = len(old) - count, len(new) - count
        if count + step <= most and old[old_end - step : old_end] == new[new_end - step : new_end]:
            count += step
        else:
            step //= 2
    return count


def _lines_back(text: bytes, at: int, count: int) -> int:
    """Where a line begins, `count` lines before the one that `at` is in."""
    for _ in range(count + 1):
        at = text.rfind(b"\n", 0, at)
        if at < 0:
            return 0
    return at + 1


def _lines_ahead(text: bytes, at: int, count: int) -> int:
    """Where a line ends, `count` lines after the one that `at` is in."""
    for _ in range(count + 1):
        at = text.find(b"\n", at) + 1
        if not at:
            return len(text)
    return at
