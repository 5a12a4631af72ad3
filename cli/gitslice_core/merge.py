"""Three-way merges of texts by lines, after `diff3`, with the results of `git merge-file`.

S. Khanna, K. Kunal, B. C. Pierce, "A Formal Investigation of Diff3", FSTTCS 2007. As in git, changes of both sides
that touch each other conflict unless they are the same; what both sides of a conflict have in common is then taken out
of it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from gitslice_core.diff import Change, diff_interned, interned, is_binary, split_lines

CONTEXT = 3
GAP = 3  # common lines between two conflicts, up to which they are shown as one
MARKER = 7
MAX_BYTES = 64 << 20

OURS, THEIRS, SAME, CONFLICT = "ours", "theirs", "same", "conflict"


class MergeTooLarge(Exception):
    """A text is larger than the limit of the merge."""


class BinaryConflict(Exception):
    """A conflict of binary contents cannot be written with markers."""


class Conflict(NamedTuple):
    """Lines that both sides changed differently. Starts count from 1 and name the first line of the region, or the
    line before which it would stand. `before` and `after` are up to 3 lines of the merged text around it; `ending` is
    the line ending for markers. `base` has the lines that both sides come from: conflicts of one change share them."""

    base_start: int
    base: tuple[bytes, ...]
    ours_start: int
    ours: tuple[bytes, ...]
    theirs_start: int
    theirs: tuple[bytes, ...]
    before: tuple[bytes, ...] = ()
    after: tuple[bytes, ...] = ()
    ending: bytes = b"\n"


Lines = tuple[bytes, ...]


class Merge(NamedTuple):
    """The merged text in pieces: merged lines and conflicts by turns. `whole` is the same with conflicts that still
    hold what both sides have in common. Binary contents that conflict have no pieces."""

    pieces: tuple[Lines | Conflict, ...]
    whole: tuple[Lines | Conflict, ...] = ()
    binary: bool = False

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        return tuple(piece for piece in self.pieces if isinstance(piece, Conflict))

    @property
    def clean(self) -> bool:
        return not self.binary and not self.conflicts

    @property
    def content(self) -> bytes | None:
        """The merged text; None when there are conflicts."""
        return mark(self) if self.clean else None


def merge(base: bytes, ours: bytes, theirs: bytes, limit: int = MAX_BYTES) -> Merge:
    """Merge what `ours` and `theirs` made of `base`. Raises MergeTooLarge if one is larger than `limit` bytes."""
    if max(len(base), len(ours), len(theirs)) > limit:
        raise MergeTooLarge(f"a text is larger than {limit} bytes")
    if ours == theirs or theirs == base:
        return _settled(ours)
    if ours == base:
        return _settled(theirs)
    if is_binary(base) or is_binary(ours) or is_binary(theirs):
        return Merge((), binary=True)
    return _merge_lines(split_lines(base), split_lines(ours), split_lines(theirs))


def mark(result: Merge, ours: str = "ours", theirs: str = "theirs", base: str | None = None) -> bytes:
    """The merged text with conflict markers. With a label for `base` its lines are shown too, and conflicts are whole
    (git's `diff3` style). Raises BinaryConflict."""
    if result.binary:
        raise BinaryConflict("binary contents have no conflict markers")
    pieces = result.pieces if base is None or result.clean else result.whole
    return b"".join(_marked(piece, ours, theirs, base) for piece in pieces)


def has_markers(content: bytes) -> bool:
    """Whether a line begins with the opening or the closing marker."""
    markers = (b"<" * MARKER + b" ", b">" * MARKER + b" ")
    return content.startswith(markers) or any(b"\n" + marker in content for marker in markers)


def only_whitespace_differs(one: Sequence[bytes], other: Sequence[bytes]) -> bool:
    """Whether both lists of lines hold the same words and signs in the same order, whatever their white space."""
    return _unspaced(one) == _unspaced(other)


class _Region(NamedTuple):
    """Ranges of lines in the three texts, and what becomes of them."""

    outcome: str
    base: range
    ours: range
    theirs: range


class _Texts(NamedTuple):
    base: list[bytes]
    ours: list[bytes]
    theirs: list[bytes]


_Cluster = tuple[list[Change], list[Change]]  # changes of ours and of theirs


def _settled(content: bytes) -> Merge:
    pieces = (tuple(split_lines(content)),)
    return Merge(pieces, pieces)


def _merge_lines(base: list[bytes], ours: list[bytes], theirs: list[bytes]) -> Merge:
    texts = _Texts(base, ours, theirs)
    old, mine, other = interned(*texts)
    whole, parts = [], []
    for region, changes in _regions(diff_interned(old, mine), diff_interned(old, other), mine, other):
        whole.append(region)
        parts += _refined(region, changes, mine, other)
    return Merge(_pieces(texts, _joined(parts, ours)), _pieces(texts, whole))


def _regions(
    ours: list[Change], theirs: list[Change], mine: list[int], other: list[int]
) -> Iterator[tuple[_Region, _Cluster]]:
    """What changed on either side, with its changes, but for what both changed in the same way."""
    ours_shift = theirs_shift = 0
    for cluster in _clusters(ours, theirs):
        start = min(change.old_start for side in cluster for change in side)
        end = max(change.old_end for side in cluster for change in side)
        ours_start, theirs_start = start + ours_shift, start + theirs_shift
        ours_shift += _growth(cluster[0])
        theirs_shift += _growth(cluster[1])
        ours_part, theirs_part = range(ours_start, end + ours_shift), range(theirs_start, end + theirs_shift)
        if not cluster[0] or not cluster[1]:
            outcome = OURS if cluster[0] else THEIRS
        elif mine[ours_start : ours_part.stop] != other[theirs_start : theirs_part.stop]:
            outcome = CONFLICT
        elif len(cluster[0]) == len(cluster[1]) == 1 and cluster[0][0][:2] == cluster[1][0][:2]:
            continue
        else:
            outcome = SAME
        yield _Region(outcome, range(start, end), ours_part, theirs_part), cluster


def _clusters(ours: list[Change], theirs: list[Change]) -> Iterator[_Cluster]:
    """Changes in order; those of both sides that touch each other, directly or by way of others, together."""
    tagged = sorted([(change, 0) for change in ours] + [(change, 1) for change in theirs])
    cluster: _Cluster = ([], [])
    reach = -1
    for change, side in tagged:
        if change.old_start > reach >= 0:
            yield cluster
            cluster = ([], [])
        cluster[side].append(change)
        reach = max(reach, change.old_end)
    if reach >= 0:
        yield cluster


def _growth(changes: list[Change]) -> int:
    return sum((c.new_end - c.new_start) - (c.old_end - c.old_start) for c in changes)


def _refined(region: _Region, changes: _Cluster, mine: list[int], other: list[int]) -> list[_Region]:
    """A conflict without the lines that both sides have in common, which may leave several."""
    if region.outcome != CONFLICT or not region.ours or not region.theirs:
        return [region]
    ours_start, theirs_start = region.ours.start, region.theirs.start
    parts = []
    for change in diff_interned(
        mine[ours_start : region.ours.stop], other[theirs_start : region.theirs.stop]
    ):
        ours = range(ours_start + change.old_start, ours_start + change.old_end)
        theirs = range(theirs_start + change.new_start, theirs_start + change.new_end)
        ours_base = _origin(ours, changes[0], region.base.start - ours_start)
        theirs_base = _origin(theirs, changes[1], region.base.start - theirs_start)
        base = range(min(ours_base.start, theirs_base.start), max(ours_base.stop, theirs_base.stop))
        parts.append(_Region(CONFLICT, base, ours, theirs))
    return parts


def _origin(part: range, changes: list[Change], shift: int) -> range:
    """The lines of the base that a part of a side comes from: whole changes, where it holds but some lines of them.
    `shift` is what to add to a line number of the side before its first change."""
    low, high = part.start + shift, part.stop + shift
    at = bisect_right(changes, part.start, key=_new_start)
    if at:
        change = changes[at - 1]
        within = part.start < change.new_end or part.start == change.new_start
        low = change.old_start if within else change.old_end + part.start - change.new_end
    at = bisect_left(changes, part.stop, key=_new_start)
    if at < len(changes) and changes[at].new_end == part.stop:
        at += 1  # lines were deleted right after the part
    if at:
        change = changes[at - 1]
        high = change.old_end + max(part.stop - change.new_end, 0)
    return range(low, max(low, high))


def _new_start(change: Change) -> int:
    return change.new_start


def _joined(regions: list[_Region], ours: list[bytes]) -> list[_Region]:
    """Conflicts join over few common lines, and over any that hold no letter or digit: apart they would confuse."""
    joined: list[_Region] = []
    for region in regions:
        last = joined[-1] if joined else None
        if last is None or not last.outcome == region.outcome == CONFLICT or _far(last, region, ours):
            joined.append(region)
            continue
        sides = [range(a.start, max(a.stop, b.stop)) for a, b in zip(last[1:], region[1:], strict=True)]
        joined[-1] = _Region(CONFLICT, *sides)
    return joined


def _far(last: _Region, region: _Region, ours: list[bytes]) -> bool:
    between = ours[last.ours.stop : region.ours.start]
    return len(between) > GAP and any(_has_word(line) for line in between)


def _has_word(line: bytes) -> bool:
    return any(line[at : at + 1].isalnum() for at in range(len(line)))


def _pieces(texts: _Texts, regions: list[_Region]) -> tuple[Lines | Conflict, ...]:
    """The merged text: ours, with their lines or conflicts in place of some; lines and conflicts by turns."""
    merged: list[Lines] = []
    conflicts: list[Conflict] = []
    lines: list[bytes] = []
    at = 0
    for region in regions:
        if region.outcome in (OURS, SAME):
            continue
        lines += texts.ours[at : region.ours.start]
        at = region.ours.stop
        if region.outcome == THEIRS:
            lines += texts.theirs[region.theirs.start : region.theirs.stop]
            continue
        merged.append(tuple(lines))
        conflicts.append(_conflict(texts, region))
        lines = []
    merged.append(tuple(lines + texts.ours[at:]))
    pieces: list[Lines | Conflict] = [merged[0]]
    for (before, after), conflict in zip(pairwise(merged), conflicts, strict=True):
        pieces += [conflict._replace(before=before[-CONTEXT:], after=after[:CONTEXT]), after]
    return tuple(pieces)


def _conflict(texts: _Texts, region: _Region) -> Conflict:
    return Conflict(
        base_start=region.base.start + 1,
        base=tuple(texts.base[region.base.start : region.base.stop]),
        ours_start=region.ours.start + 1,
        ours=tuple(texts.ours[region.ours.start : region.ours.stop]),
        theirs_start=region.theirs.start + 1,
        theirs=tuple(texts.theirs[region.theirs.start : region.theirs.stop]),
        ending=_marker_ending(texts, region),
    )


def _marker_ending(texts: _Texts, region: _Region) -> bytes:
    """CRLF if both sides end the line before the conflict (or their first) so, and the base its first."""
    ours = _ending(texts.ours, max(region.ours.start - 1, 0))
    theirs = _ending(texts.theirs, max(region.theirs.start - 1, 0))
    base = _ending(texts.base, 0)
    return b"\r\n" if base == b"\r\n" and b"\n" not in (ours, theirs) else b"\n"


def _ending(lines: list[bytes], at: int) -> bytes:
    """How line `at` ends, or the one before it when it is the last and has no end; empty if that tells nothing."""
    while 0 <= at < len(lines):
        if lines[at].endswith(b"\n"):
            return b"\r\n" if lines[at].endswith(b"\r\n") else b"\n"
        at -= 1
    return b""


def _marked(piece: Lines | Conflict, ours: str, theirs: str, base: str | None) -> bytes:
    if not isinstance(piece, Conflict):
        return b"".join(piece)
    ending = piece.ending
    parts = [_marker("<", ours, ending), _ended(piece.ours, ending)]
    if base is not None:
        parts += [_marker("|", base, ending), _ended(piece.base, ending)]
    parts += [b"=" * MARKER + ending, _ended(piece.theirs, ending), _marker(">", theirs, ending)]
    return b"".join(parts)


def _marker(character: str, label: str, ending: bytes) -> bytes:
    return f"{character * MARKER} {label}".rstrip().encode() + ending


def _ended(lines: Lines, ending: bytes) -> bytes:
    text = b"".join(lines)
    return text if not text or text.endswith(b"\n") else text + ending


def _unspaced(lines: Sequence[bytes]) -> bytes:
    """The text with single spaces where white space parts two words, and none elsewhere."""
    words = b"".join(lines).split()
    parts = words[:1]
    for before, word in pairwise(words):
        parts += [b" ", word] if _in_word(before[-1:]) and _in_word(word[:1]) else [word]
    return b"".join(parts)


def _in_word(character: bytes) -> bool:
    return character.isalnum() or character >= b"\x80" or character == b"_"
