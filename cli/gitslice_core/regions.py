"""Where two sides changed a text, and what becomes of each place. Texts are lists of ints, as in `diff`."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from gitslice_core.diff import Change, diff_interned

GAP = 3  # common lines between two conflicts, up to which they are shown as one

OURS, THEIRS, SAME, CONFLICT = "ours", "theirs", "same", "conflict"

Cluster = tuple[list[Change], list[Change]]  # changes of ours and of theirs


class Region(NamedTuple):
    """Ranges of lines in the three texts, and what becomes of them."""

    outcome: str
    base: range
    ours: range
    theirs: range


def changed_regions(base: list[int], ours: list[int], theirs: list[int]) -> Iterator[tuple[Region, Cluster]]:
    """What changed on either side, with its changes, but for what both changed in the same way."""
    ours_shift = theirs_shift = 0
    for cluster in _clusters(diff_interned(base, ours), diff_interned(base, theirs)):
        start = min(change.old_start for side in cluster for change in side)
        end = max(change.old_end for side in cluster for change in side)
        ours_start, theirs_start = start + ours_shift, start + theirs_shift
        ours_shift += _growth(cluster[0])
        theirs_shift += _growth(cluster[1])
        ours_part, theirs_part = range(ours_start, end + ours_shift), range(theirs_start, end + theirs_shift)
        if not cluster[0] or not cluster[1]:
            outcome = OURS if cluster[0] else THEIRS
        elif ours[ours_start : ours_part.stop] != theirs[theirs_start : theirs_part.stop]:
            outcome = CONFLICT
        elif len(cluster[0]) == len(cluster[1]) == 1 and cluster[0][0][:2] == cluster[1][0][:2]:
            continue
        else:
            outcome = SAME
        yield Region(outcome, range(start, end), ours_part, theirs_part), cluster


def _clusters(ours: list[Change], theirs: list[Change]) -> Iterator[Cluster]:
    """Changes in order; those of both sides that touch each other, directly or by way of others, together."""
    tagged = sorted([(change, 0) for change in ours] + [(change, 1) for change in theirs])
    cluster: Cluster = ([], [])
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


def refined(region: Region, changes: Cluster, ours: list[int], theirs: list[int]) -> list[Region]:
    """A conflict without the lines that both sides have in common, which may leave several. `changes` are those that
    the region came from."""
    mine, other = region.ours, region.theirs
    if region.outcome != CONFLICT or not mine or not other:
        return [region]
    parts = []
    for change in diff_interned(ours[mine.start : mine.stop], theirs[other.start : other.stop]):
        ours_part = mine[change.old_start : change.old_end]
        theirs_part = other[change.new_start : change.new_end]
        ours_base = _origin(ours_part, changes[0], region.base.start - mine.start)
        theirs_base = _origin(theirs_part, changes[1], region.base.start - other.start)
        base = range(min(ours_base.start, theirs_base.start), max(ours_base.stop, theirs_base.stop))
        parts.append(Region(CONFLICT, base, ours_part, theirs_part))
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


def joined_conflicts(regions: list[Region], ours: list[bytes]) -> list[Region]:
    """Conflicts join over few common lines, and over any that hold no letter or digit: apart they would confuse."""
    joined: list[Region] = []
    for region in regions:
        last = joined[-1] if joined else None
        if last is None or not last.outcome == region.outcome == CONFLICT or _far(last, region, ours):
            joined.append(region)
            continue
        sides = [range(a.start, max(a.stop, b.stop)) for a, b in zip(last[1:], region[1:], strict=True)]
        joined[-1] = Region(CONFLICT, *sides)
    return joined


def _far(last: Region, region: Region, ours: list[bytes]) -> bool:
    between = ours[last.ours.stop : region.ours.start]
    return len(between) > GAP and any(_has_word(line) for line in between)


def _has_word(line: bytes) -> bool:
    return any(line[at : at + 1].isalnum() for at in range(len(line)))
