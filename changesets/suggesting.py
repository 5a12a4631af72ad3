"""Suggestions: fenced blocks in comments that say what lines should be instead. Pure.

```suggestion
the new lines
```
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from gitslice_core.diff import diff_lines, split_lines

OPENING = re.compile(r"^ {0,3}(?P<fence>`{3,20}|~{3,20})[ \t]*suggestion[ \t\r]*$", re.MULTILINE)


class Block(NamedTuple):
    """Where a suggestion stands in a comment: all of it, and the text within its fences."""

    whole: range
    text: range


class Replacement(NamedTuple):
    """Lines `start` to `line`, from 1, become these (without line ends)."""

    start: int
    line: int
    lines: tuple[str, ...]


def suggested(body: str) -> tuple[str, ...] | None:
    """The lines that a comment's first suggestion wants (none: it wants them gone); None if there is no suggestion."""
    found = _block(body)
    if found is None:
        return None
    text = body[found.text.start : found.text.stop]
    return tuple(line.removesuffix("\r") for line in text.split("\n")[:-1])


def without_suggestion(body: str) -> str:
    """The comment without its first suggestion."""
    found = _block(body)
    return body if found is None else (body[: found.whole.start] + body[found.whole.stop :]).strip("\n")


def replaced(content: bytes, replacements: Sequence[Replacement]) -> bytes:
    """The content with all replacements, which do not overlap. New lines end as the first of those they replace; a last
    line without a line end stays so."""
    lines = split_lines(content)
    for start, line, new in sorted(replacements, reverse=True):
        old = lines[start - 1 : line]
        end = b"\r\n" if old[0].endswith(b"\r\n") else b"\n"
        made = [text.encode() + end for text in new]
        if made and not old[-1].endswith(b"\n"):
            made[-1] = made[-1].removesuffix(end)
        lines[start - 1 : line] = made
    return b"".join(lines)


def overlapping(replacements: Sequence[Replacement]) -> bool:
    ordered = sorted(replacements)
    return any(after.start <= before.line for before, after in pairwise(ordered))


def small_diff(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, str]]:
    """Signs (' ', '-', '+') and lines of what a suggestion changes."""
    before, after = ([f"{line}\n".encode() for line in side] for side in (old, new))
    rows: list[tuple[str, str]] = []
    at = 0
    for change in diff_lines(before, after):
        rows += [(" ", line) for line in old[at : change.old_start]]
        rows += [("-", line) for line in old[change.old_start : change.old_end]]
        rows += [("+", line) for line in new[change.new_start : change.new_end]]
        at = change.old_end
    return rows + [(" ", line) for line in old[at:]]


def _block(body: str) -> Block | None:
    """The first suggestion that is closed. A fence closes all that were opened with it before, so the first of them
    is meant, and one look at each kind of fence is enough."""
    hopeless: set[str] = set()
    for opening in OPENING.finditer(body):
        fence, start = opening["fence"], opening.end() + 1
        if fence in hopeless:
            continue
        closing = re.compile(rf"^ {{0,3}}{fence}[ \t\r]*(?:\n|\Z)", re.MULTILINE).search(body, start)
        if closing is not None:
            return Block(range(opening.start(), closing.end()), range(start, closing.start()))
        hopeless.add(fence)
    return None
