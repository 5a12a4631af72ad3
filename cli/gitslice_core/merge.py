"""Three-way merges of texts by lines, after `diff3`, with the results of `git merge-file`.

S. Khanna, K. Kunal, B. C. Pierce, "A Formal Investigation of Diff3", FSTTCS 2007. As in git, changes of both sides
that touch each other conflict unless they are the same; what both sides of a conflict have in common is then taken out
of it.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from gitslice_core.diff import interned, is_binary, split_lines
from gitslice_core.regions import OURS, SAME, THEIRS, Region, changed_regions, joined_conflicts, refined

CONTEXT = 3
MARKER = 7
MAX_BYTES = 64 << 20
TRAILING_COMMA = re.compile(rb",([)\]}])")


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
    return _merge_lines(_Texts(split_lines(base), split_lines(ours), split_lines(theirs)))


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


def only_formatting_differs(one: Sequence[bytes], other: Sequence[bytes]) -> bool:
    """Whether both lists of lines hold the same words and signs in the same order, whatever their white space, line
    breaks, kind of quotes, and commas before a closing bracket."""
    return _unformatted(one) == _unformatted(other)


class _Texts(NamedTuple):
    base: list[bytes]
    ours: list[bytes]
    theirs: list[bytes]


def _settled(content: bytes) -> Merge:
    pieces = (tuple(split_lines(content)),)
    return Merge(pieces, pieces)


def _merge_lines(texts: _Texts) -> Merge:
    base, ours, theirs = interned(*texts)
    whole, parts = [], []
    for region, changes in changed_regions(base, ours, theirs):
        whole.append(region)
        parts += refined(region, changes, ours, theirs)
    return Merge(_pieces(texts, joined_conflicts(parts, texts.ours)), _pieces(texts, whole))


def _pieces(texts: _Texts, regions: list[Region]) -> tuple[Lines | Conflict, ...]:
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


def _conflict(texts: _Texts, region: Region) -> Conflict:
    return Conflict(
        base_start=region.base.start + 1,
        base=tuple(texts.base[region.base.start : region.base.stop]),
        ours_start=region.ours.start + 1,
        ours=tuple(texts.ours[region.ours.start : region.ours.stop]),
        theirs_start=region.theirs.start + 1,
        theirs=tuple(texts.theirs[region.theirs.start : region.theirs.stop]),
        ending=_marker_ending(texts, region),
    )


def _marker_ending(texts: _Texts, region: Region) -> bytes:
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


def _unformatted(lines: Sequence[bytes]) -> bytes:
    return TRAILING_COMMA.sub(rb"\1", _unspaced(lines).replace(b"'", b'"'))


def _unspaced(lines: Sequence[bytes]) -> bytes:
    """The text with single spaces where white space parts two words, and none elsewhere."""
    words = b"".join(lines).split()
    parts = words[:1]
    for before, word in pairwise(words):
        parts += [b" ", word] if _in_word(before[-1:]) and _in_word(word[:1]) else [word]
    return b"".join(parts)


def _in_word(character: bytes) -> bool:
    return character.isalnum() or character >= b"\x80" or character == b"_"
