"""How much of one content is in another: how renames are found where nobody declared them. Pure.

The measure of git's rename detection (`diffcore-delta.c`): the share of the larger content whose lines, as a multiset,
both have. Contents below THRESHOLD are different files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gitslice_core.diff import is_binary, split_lines
from slices.entries import Entry

THRESHOLD = 0.5
MOST_PAIRS = 2_500  # contents are compared for at most so many pairs; equal digests always count


class Candidate(NamedTuple):
    path: str
    entry: Entry


def similarity(one: bytes, other: bytes) -> float:
    """0 (nothing in common) to 1 (equal)."""
    if one == other:
        return 1.0
    larger = max(len(one), len(other))
    if is_binary(one) or is_binary(other):
        return 0.0
    counts = Counter(split_lines(one))
    counts &= Counter(split_lines(other))
    return sum(len(line) * count for line, count in counts.items()) / larger


def comparable(one: Entry, other: Entry) -> bool:
    """Whether their sizes alone allow them to be similar enough."""
    small, large = sorted((one.size, other.size))
    return one.digest == other.digest or (small > 0 and small >= THRESHOLD * large)


def most_similar(
    gone: Entry, came: Sequence[Candidate], contents: Mapping[bytes, bytes], threshold: float = THRESHOLD
) -> Candidate | None:
    """Which of the files that came is the one that is gone, under a new name; `contents` by digest has those that are
    compared. Equal content wins, then the greatest similarity, then the first path."""
    best, found = threshold, None
    for candidate in sorted(came):
        if candidate.entry.digest == gone.digest:
            return candidate
        if gone.digest in contents and candidate.entry.digest in contents:
            score = similarity(contents[gone.digest], contents[candidate.entry.digest])
            if score > best or (score == best and found is None):
                best, found = score, candidate
    return found
