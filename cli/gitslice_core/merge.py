"""Three-way merges of texts by lines, after `diff3`.

S. Khanna, K. Kunal, B. C. Pierce, "A Formal Investigation of Diff3", FSTTCS 2007. As in git, changes of both sides
that touch each other conflict unless they are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gitslice_core.diff import Change, diff_lines, split_lines

CONTEXT = 3
MARKER = 7
MAX_BYTES = 64 << 20


class MergeTooLarge(Exception):
    """A text is larger than the limit of the merge."""


@dataclass(frozen=True)
class Conflict:
    """Lines that both sides changed differently. Starts count from 1 and name the first line of the region, or the
    line before which it would stand; `before` and `after` are up to 3 common lines around."""

    base_start: int
    base: tuple[bytes, ...]
    ours_start: int
    ours: tuple[bytes, ...]
    theirs_start: int
    theirs: tuple[bytes, ...]
    before: tuple[bytes, ...] = ()
    after: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Merge:
    """The merged text in pieces: common or merged lines, and conflicts in order."""

    pieces: tuple[tuple[bytes, ...] | Conflict, ...]

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        return tuple(piece for piece in self.pieces if isinstance(piece, Conflict))

    @property
    def clean(self) -> bool:
        return not self.conflicts

    @property
    def content(self) -> bytes | None:
        """The merged text; None when there are conflicts."""
        return None if self.conflicts else b"".join(line for piece in self.pieces for line in _lines(piece))


def mark(result: Merge, ours: str = "ours", theirs: str = "theirs", base: str | None = None) -> bytes:
    """The merged text with conflict markers; with a label for `base` its lines are shown too."""
    return b"".join(_marked(piece, ours, theirs, base) for piece in result.pieces)


def has_markers(content: bytes) -> bool:
    """Whether a line begins with the opening or the closing marker."""
    return any(line.startswith((b"<" * MARKER + b" ", b">" * MARKER + b" ")) for line in content.split(b"\n"))


def merge(base: bytes, ours: bytes, theirs: bytes, limit: int = MAX_BYTES) -> Merge:
    """Merge what `ours` and `theirs` made of `base`. Raises MergeTooLarge above `limit` bytes."""
    if max(len(base), len(ours), len(theirs)) > limit:
        raise MergeTooLarge(f"a text is larger than {limit} bytes")
    texts = (split_lines(base), split_lines(ours), split_lines(theirs))
    return Merge(tuple(_pieces(*texts)))


def only_whitespace_differs(one: Sequence[bytes], other: Sequence[bytes]) -> bool:
    """Whether both hold the same characters when white space is left out."""
    return b"".join(b"".join(one).split()) == b"".join(b"".join(other).split())


def _pieces(
    base: list[bytes], ours: list[bytes], theirs: list[bytes]
) -> Iterator[tuple[bytes, ...] | Conflict]:
    at = ours_at = theirs_at = 0  # everything before is done
    for our_group, their_group in _clusters(diff_lines(base, ours), diff_lines(base, theirs)):
        start = min(change.old_start for change in (*our_group, *their_group))
        end = max(change.old_end for change in (*our_group, *their_group))
        if start > at:
            yield tuple(base[at:start])
        ours_start, theirs_start = ours_at + start - at, theirs_at + start - at
        ours_end = ours_start + (end - start) + _growth(our_group)
        theirs_end = theirs_start + (end - start) + _growth(their_group)
        mine, other = tuple(ours[ours_start:ours_end]), tuple(theirs[theirs_start:theirs_end])
        if not their_group or mine == other:
            yield mine
        elif not our_group:
            yield other
        else:
            region = _Region(base, start, end, ours, ours_start, ours_end, theirs, theirs_start, theirs_end)
            yield from _refined(region)
        at, ours_at, theirs_at = end, ours_end, theirs_end
    if at < len(base):
        yield tuple(base[at:])


def _growth(group: Sequence[Change]) -> int:
    return sum((change.new_end - change.new_start) - (change.old_end - change.old_start) for change in group)


def _clusters(ours: list[Change], theirs: list[Change]) -> Iterator[tuple[list[Change], list[Change]]]:
    """Changes in order, those of both sides together that touch each other, directly or by way of others."""
    tagged = sorted(
        [(change.old_start, change.old_end, 0, change) for change in ours]
        + [(change.old_start, change.old_end, 1, change) for change in theirs],
        key=lambda item: item[:3],
    )
    cluster: tuple[list[Change], list[Change]] = ([], [])
    reach = -1
    for start, end, side, change in tagged:
        if start > reach and (cluster[0] or cluster[1]):
            yield cluster
            cluster = ([], [])
        cluster[side].append(change)
        reach = max(reach, end)
    if cluster[0] or cluster[1]:
        yield cluster


@dataclass(frozen=True)
class _Region:
    base: list[bytes]
    base_start: int
    base_end: int
    ours: list[bytes]
    ours_start: int
    ours_end: int
    theirs: list[bytes]
    theirs_start: int
    theirs_end: int


def _refined(region: _Region) -> Iterator[tuple[bytes, ...] | Conflict]:
    """A conflict, without the lines at its ends and in between that both sides have in common."""
    mine = region.ours[region.ours_start : region.ours_end]
    other = region.theirs[region.theirs_start : region.theirs_end]
    changes = (
        _joined(diff_lines(mine, other), mine) if mine and other else [Change(0, len(mine), 0, len(other))]
    )
    at = 0
    for number, change in enumerate(changes):
        if change.old_start > at:
            yield tuple(mine[at : change.old_start])
        yield _conflict(region, change, whole_base=number == 0)
        at = change.old_end
    if at < len(mine):
        yield tuple(mine[at:])


def _joined(changes: list[Change], lines: list[bytes]) -> list[Change]:
    """Conflicts join over up to three common lines that hold no letter or digit: they would only confuse apart."""
    joined: list[Change] = []
    for change in changes:
        gap = lines[joined[-1].old_end : change.old_start] if joined else []
        if joined and len(gap) <= 3 and not any(_has_word(line) for line in gap):
            last = joined[-1]
            joined[-1] = Change(last.old_start, change.old_end, last.new_start, change.new_end)
        else:
            joined.append(change)
    return joined


def _has_word(line: bytes) -> bool:
    return any(chr(byte).isalnum() for byte in line if byte < 128)


def _conflict(region: _Region, change: Change, *, whole_base: bool) -> Conflict:
    """The base cannot be split as the sides are, so the first conflict of a region shows all of it."""
    base_end = region.base_end if whole_base else region.base_start
    ours_start, ours_end = region.ours_start + change.old_start, region.ours_start + change.old_end
    theirs_start, theirs_end = region.theirs_start + change.new_start, region.theirs_start + change.new_end
    return Conflict(
        base_start=region.base_start + 1,
        base=tuple(region.base[region.base_start : base_end]),
        ours_start=ours_start + 1,
        ours=tuple(region.ours[ours_start:ours_end]),
        theirs_start=theirs_start + 1,
        theirs=tuple(region.theirs[theirs_start:theirs_end]),
        before=tuple(region.ours[max(ours_start - CONTEXT, 0) : ours_start]),
        after=tuple(region.ours[ours_end : ours_end + CONTEXT]),
    )


def _lines(piece: tuple[bytes, ...] | Conflict) -> tuple[bytes, ...]:
    assert not isinstance(piece, Conflict)
    return piece


def _marked(piece: tuple[bytes, ...] | Conflict, ours: str, theirs: str, base: str | None) -> bytes:
    if not isinstance(piece, Conflict):
        return b"".join(piece)
    ending = b"\r\n" if piece.ours and piece.ours[0].endswith(b"\r\n") else b"\n"
    parts = [_marker("<", ours, ending), _ended(piece.ours, ending)]
    if base is not None:
        parts += [_marker("|", base, ending), _ended(piece.base, ending)]
    parts += [b"=" * MARKER + ending, _ended(piece.theirs, ending), _marker(">", theirs, ending)]
    return b"".join(parts)


def _marker(character: str, label: str, ending: bytes) -> bytes:
    return f"{character * MARKER} {label}".rstrip().encode() + ending


def _ended(lines: Sequence[bytes], ending: bytes) -> bytes:
    text = b"".join(lines)
    return text if not text or text.endswith(b"\n") else text + ending
