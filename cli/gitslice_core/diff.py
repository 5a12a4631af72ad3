"""Line diffs of byte strings: changes, hunks, unified text."""

from collections.abc import Hashable, Iterator, Sequence
from itertools import chain, count
from typing import NamedTuple

from gitslice_core.myers import unshared
from gitslice_core.sliding import Group, Place, groups, slid

BINARY_PROBE = 8000  # bytes in which a NUL makes a file binary
CONTEXT = 3
NO_NEWLINE = "\\ No newline at end of file"
MOST_MOVES = 100  # places that are compared for a group of changed lines


class Change(NamedTuple):
    """Lines [old_start, old_end) of the old text became lines [new_start, new_end) of the new; counted from 0."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


class Hunk(NamedTuple):
    """Changes with their context. Starts count from 1; where a count is 0, the start is the line before. `lines` begin
    with ' ', '-' or '+' and keep their line feeds; only the last of a text may lack one."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    lines: tuple[bytes, ...]

    def header(self) -> str:
        """`@@ -1,3 +1,4 @@`"""
        return f"@@ -{_span(self.old_start, self.old_count)} +{_span(self.new_start, self.new_count)} @@"

    def texts(self) -> list[str]:
        """The lines for documents: without line feeds, with notes of missing ones, U+FFFD for what is not UTF-8."""
        texts = []
        for line in self.lines:
            texts.append(line.removesuffix(b"\n").decode(errors="replace"))
            if not line.endswith(b"\n"):
                texts.append(NO_NEWLINE)
        return texts


def is_binary(data: bytes) -> bool:
    """Whether git would call it binary: a NUL in the first 8,000 bytes."""
    return data.find(b"\0", 0, BINARY_PROBE) >= 0


def split_lines(data: bytes) -> list[bytes]:
    """Lines with their line feeds; only the last may lack one. A carriage return ends no line."""
    if data.count(b"\r") == data.count(b"\r\n"):
        return data.splitlines(keepends=True)
    lines = data.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def line_stats(old: bytes, new: bytes) -> tuple[int, int]:
    """Lines added and deleted."""
    old_numbers, new_numbers = interned(split_lines(old), split_lines(new))
    old_flags, new_flags = unshared(old_numbers, new_numbers)
    return new_flags.count(1), old_flags.count(1)


def interned(*texts: Sequence[Hashable]) -> Iterator[list[int]]:
    """Texts with a number in place of each line (or word), the same for equal lines."""
    numbers = dict(zip(chain(*texts), count()))
    for text in texts:
        yield [numbers[line] for line in text]


def diff_lines(old: Sequence[bytes], new: Sequence[bytes]) -> list[Change]:
    """The changes that make `new` of `old`, in order and placed for readers; between two stands a common line."""
    old_numbers, new_numbers = interned(old, new)
    return diff_interned(old_numbers, new_numbers, placing(old), placing(new))


def diff_interned(
    old: list[int], new: list[int], place_old: Place | None = None, place_new: Place | None = None
) -> list[Change]:
    """As `diff_lines`, for interned texts, placed as git does without its indent heuristic (as in merges)."""
    old_flags, new_flags = unshared(old, new)
    old_groups, new_groups = groups(old_flags), groups(new_flags)
    old_groups = slid(old, old_groups, new_groups, place_old)
    new_groups = slid(new, new_groups, old_groups, place_new)
    return list(_changes(old_groups, new_groups))


def hunks(old: bytes, new: bytes, context: int = CONTEXT) -> list[Hunk]:
    """The diff in hunks with `context` common lines around."""
    old_lines, new_lines = split_lines(old), split_lines(new)
    together = _together(diff_lines(old_lines, new_lines), context)
    return [_hunk(old_lines, new_lines, changes, context) for changes in together]


def unified(old: bytes, new: bytes, old_label: str, new_label: str, context: int = CONTEXT) -> bytes:
    """A unified diff that `git apply` and `patch` read; empty when nothing differs."""
    parts = [f"--- {old_label}\n+++ {new_label}\n".encode()]
    for hunk in hunks(old, new, context):
        parts.append(hunk.header().encode() + b"\n")
        for line in hunk.lines:
            parts.append(line if line.endswith(b"\n") else line + b"\n" + NO_NEWLINE.encode() + b"\n")
    return b"".join(parts) if len(parts) > 1 else b""


def _changes(old: list[Group], new: list[Group]) -> Iterator[Change]:
    """Groups of both sides that stand in the same gap make one change."""
    old_sizes, new_sizes = dict(old), dict(new)
    old_before = new_before = 0
    for gap in sorted(old_sizes.keys() | new_sizes.keys()):
        old_start, new_start = gap + old_before, gap + new_before
        old_before += old_sizes.get(gap, 0)
        new_before += new_sizes.get(gap, 0)
        yield Change(old_start, gap + old_before, new_start, gap + new_before)


def placing(lines: Sequence[bytes]) -> Place:
    """Places a group of these lines so that blocks stay whole: its ends at the least indented lines, best after a blank
    one; the lowest such place."""

    def price(at: int) -> int:
        """What it costs to begin or end a group before line `at`."""
        if at == len(lines):
            return -1
        after_blank = at == 0 or not lines[at - 1].strip()
        return 4 * _indent(lines, at) - 3 * after_blank + 2 * (not lines[at].strip())

    def place(start: int, size: int, most: int) -> int:
        ups = range(min(most, MOST_MOVES) + 1)
        return min(ups, key=lambda up: (price(start - up) + price(start - up + size), up))

    return place


def _indent(lines: Sequence[bytes], at: int) -> int:
    """Columns before the first word at or after a line; 0 when only blank lines follow nearby."""
    for line in lines[at : at + 20]:
        text = line.expandtabs(8).lstrip()
        if text:
            return len(line.expandtabs(8)) - len(text)
    return 0


def _together(changes: list[Change], context: int) -> Iterator[list[Change]]:
    """Changes whose contexts touch go into one hunk."""
    together: list[Change] = []
    for change in changes:
        if together and change.old_start - together[-1].old_end > 2 * context:
            yield together
            together = []
        together.append(change)
    if together:
        yield together


def _hunk(old: list[bytes], new: list[bytes], changes: list[Change], context: int) -> Hunk:
    start = max(changes[0].old_start - context, 0)
    end = min(changes[-1].old_end + context, len(old))
    new_start = changes[0].new_start - (changes[0].old_start - start)
    new_end = changes[-1].new_end + (end - changes[-1].old_end)
    lines: list[bytes] = []
    at = start
    for change in changes:
        lines += [b" " + line for line in old[at : change.old_start]]
        lines += [b"-" + line for line in old[change.old_start : change.old_end]]
        lines += [b"+" + line for line in new[change.new_start : change.new_end]]
        at = change.old_end
    lines += [b" " + line for line in old[at:end]]
    counts = end - start, new_end - new_start
    return Hunk(start + bool(counts[0]), counts[0], new_start + bool(counts[1]), counts[1], tuple(lines))


def _span(start: int, size: int) -> str:
    return str(start) if size == 1 else f"{start},{size}"
