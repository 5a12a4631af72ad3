"""Which lines two texts do not share: Myers' greedy search for a shortest edit script, in linear space.

E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1 (1986), section 4b: searches from both
corners of the edit graph meet in the middle of a shortest path, and both halves are searched in turn. Ties are broken
as git breaks them, so that merges come out alike. Texts are lists of ints, one for each different line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import compress

MAX_COST = 256  # edits after which a search takes the best point so far
MAX_STEPS = 2_000_000  # diagonals looked at, after which every search is a short one
SHORT_COST = 32
FREQUENT_MOST = 1024  # a line with more counterparts is frequent, whatever the length of the text
NEIGHBOURS = 100  # lines on each side that tell whether a frequent line is worth matching
GALLOP = 16  # equal lines after which whole slices are compared

ABSENT, MATCHABLE, FREQUENT = 0, 1, 2

Box = tuple[int, int, int, int]  # old start and end, new start and end


def unshared(old: list[int], new: list[int]) -> tuple[bytearray, bytearray]:
    """A flag for each line of `old` and of `new`: 1 for those outside a longest common subsequence (or, for texts with
    thousands of differences, outside a long one)."""
    most = min(len(old), len(new))
    start = matching_ahead(old, 0, new, 0, most)
    tail = matching_back(old, len(old), new, len(new), most - start)
    old_end, new_end = len(old) - tail, len(new) - tail
    old_flags, new_flags = bytearray(len(old)), bytearray(len(new))
    if start in (old_end, new_end):
        old_flags[start:old_end] = b"\1" * (old_end - start)
        new_flags[start:new_end] = b"\1" * (new_end - start)
        return old_flags, new_flags
    old_kept = _worth_matching(old, start, old_end, Counter(new), old_flags)
    new_kept = _worth_matching(new, start, new_end, Counter(old), new_flags)
    old_part, new_part = [old[at] for at in old_kept], [new[at] for at in new_kept]
    for old_low, old_high, new_low, new_high in _differences(old_part, new_part):
        for at in old_kept[old_low:old_high]:
            old_flags[at] = 1
        for at in new_kept[new_low:new_high]:
            new_flags[at] = 1
    return old_flags, new_flags


def matching_ahead(old: list[int], at: int, new: list[int], new_at: int, most: int) -> int:
    """How many lines are equal from `at` and `new_at` on, at most `most`."""
    count, step = 0, GALLOP
    while count < most:
        step = min(step, most - count)
        if old[at + count : at + count + step] == new[new_at + count : new_at + count + step]:
            count += step
            step *= 2
        elif step == 1:
            break
        else:
            step = max(step // 4, 1)
    return count


def matching_back(old: list[int], at: int, new: list[int], new_at: int, most: int) -> int:
    """How many lines are equal before `at` and `new_at`, at most `most`."""
    count, step = 0, GALLOP
    while count < most:
        step = min(step, most - count)
        if old[at - count - step : at - count] == new[new_at - count - step : new_at - count]:
            count += step
            step *= 2
        elif step == 1:
            break
        else:
            step = max(step // 4, 1)
    return count


def _worth_matching(
    lines: list[int], start: int, end: int, counterparts: Counter[int], flags: bytearray
) -> list[int]:
    """The places in [start, end) that the search should look at; the others are flagged as unshared: lines that the
    other text lacks, and frequent lines in the midst of such."""
    part = lines[start:end]
    limit = _frequent_from(len(lines))
    kind_of = bytearray([MATCHABLE]) * (max(part) + 1)
    for line, count in counterparts.items():
        if count >= limit and line < len(kind_of):
            kind_of[line] = FREQUENT
    for line in set(part) - counterparts.keys():
        kind_of[line] = ABSENT
    kinds = bytearray(map(kind_of.__getitem__, part))
    if kinds.find(FREQUENT) >= 0 and kinds.find(ABSENT) >= 0:
        _drop_lost(kinds)
    flags[start:end] = kinds.translate(_UNSHARED)
    return list(compress(range(start, end), kinds))


_UNSHARED = bytes([1]) + bytes(255)  # ABSENT becomes 1, everything else 0


def _frequent_from(total: int) -> int:
    """The count from which a line is frequent: about the square root of the lines, as a power of two."""
    return min(1 << (total.bit_length() + 1) // 2, FREQUENT_MOST)


def _drop_lost(kinds: bytearray) -> None:
    """Make ABSENT of each FREQUENT line that stands between absent lines, with fewer than a quarter of its neighbours
    frequent, itself counted on both sides. Neighbours reach to the next matchable line."""
    lost = []
    high = 0
    while (absent := kinds.find(ABSENT, high)) >= 0:
        low = max(kinds.rfind(MATCHABLE, high, absent) + 1, high)
        high = kinds.find(MATCHABLE, absent)
        high = len(kinds) if high < 0 else high
        at = kinds.find(FREQUENT, low, high)
        while at >= 0:
            first, last = max(low, at - NEIGHBOURS), min(high, at + NEIGHBOURS + 1)
            before, after = kinds.count(ABSENT, first, at), kinds.count(ABSENT, at, last)
            frequent = last - first - before - after + 1  # the line itself counts on both sides
            if before and after and 3 * frequent < before + after:
                lost.append(at)
            at = kinds.find(FREQUENT, at + 1, high)
    for at in lost:
        kinds[at] = ABSENT


def _differences(old: list[int], new: list[int]) -> Iterator[Box]:
    """Boxes whose lines have no counterpart, in order."""
    search = _Search(old, new)
    boxes: list[Box] = [(0, len(old), 0, len(new))]
    while boxes:
        old_low, old_high, new_low, new_high = boxes.pop()
        ahead = matching_ahead(old, old_low, new, new_low, min(old_high - old_low, new_high - new_low))
        old_low, new_low = old_low + ahead, new_low + ahead
        back = matching_back(old, old_high, new, new_high, min(old_high - old_low, new_high - new_low))
        old_high, new_high = old_high - back, new_high - back
        box = (old_low, old_high, new_low, new_high)
        if old_low == old_high or new_low == new_high:
            yield box
            continue
        old_middle, new_middle = search.middle(box)
        if (old_middle, new_middle) in ((old_low, new_low), (old_high, new_high)):
            yield box
            continue
        boxes.append((old_middle, old_high, new_middle, new_high))
        boxes.append((old_low, old_middle, new_low, new_middle))


class _Search:
    """Finds middles. A diagonal is the old index minus the new one. `ahead` and `back` hold how far in the old text the
    searches from the low and from the high corner came on each; negative diagonals count from the end of the lists."""

    def __init__(self, old: list[int], new: list[int]) -> None:
        self.old, self.new = old, new
        self.ahead = [0] * (len(old) + len(new) + 3)
        self.back = [0] * (len(old) + len(new) + 3)
        self.steps = 0

    def middle(self, box: Box) -> tuple[int, int]:
        """A point on a shortest path through the box, or on a good one when the shortest would take too long."""
        old_low, old_high, new_low, new_high = box
        start, goal = old_low - new_low, old_high - new_high
        lowest, highest = old_low - new_high, old_high - new_low
        odd = (start - goal) % 2 == 1
        self.ahead[start], self.back[goal] = old_low, old_high
        near, far = (start, start), (goal, goal)
        met = None
        cost = 0
        most = MAX_COST if self.steps < MAX_STEPS else SHORT_COST
        while met is None and cost < most:
            cost += 1
            near = _fence(self.ahead, start, cost, lowest, highest, -1)
            met = self._advance(near, old_high, new_high, far if odd else None)
            if met is None:
                far = _fence(self.back, goal, cost, lowest, highest, old_high + 1)
                met = self._retreat(far, old_low, new_low, None if odd else near)
        self.steps += cost * cost
        return met or self._furthest(box, near, far)

    def _advance(
        self, reach: tuple[int, int], old_high: int, new_high: int, other: tuple[int, int] | None
    ) -> tuple[int, int] | None:
        """One more edit from the low corner on each diagonal of `reach`; the point that meets the other search, whose
        diagonals are `other`."""
        old, new, ahead, back = self.old, self.new, self.ahead, self.back
        first, last = other or (1, 0)
        for diagonal in range(reach[1], reach[0] - 1, -2):
            before, after = ahead[diagonal - 1], ahead[diagonal + 1]
            x = before + 1 if before >= after else after
            y = x - diagonal
            long = x + GALLOP
            while x < old_high and y < new_high and old[x] == new[y]:
                x += 1
                y += 1
                if x == long:
                    x += matching_ahead(old, x, new, y, min(old_high - x, new_high - y))
                    break
            ahead[diagonal] = x
            if first <= diagonal <= last and back[diagonal] <= x:
                return x, x - diagonal
        return None

    def _retreat(
        self, reach: tuple[int, int], old_low: int, new_low: int, other: tuple[int, int] | None
    ) -> tuple[int, int] | None:
        """As `_advance`, from the high corner backwards."""
        old, new, ahead, back = self.old, self.new, self.ahead, self.back
        first, last = other or (1, 0)
        for diagonal in range(reach[1], reach[0] - 1, -2):
            before, after = back[diagonal - 1], back[diagonal + 1]
            x = before if before < after else after - 1
            y = x - diagonal
            long = x - GALLOP
            while x > old_low and y > new_low and old[x - 1] == new[y - 1]:
                x -= 1
                y -= 1
                if x == long:
                    x -= matching_back(old, x, new, y, min(x - old_low, y - new_low))
                    break
            back[diagonal] = x
            if first <= diagonal <= last and x <= ahead[diagonal]:
                return x, x - diagonal
        return None

    def _furthest(self, box: Box, near: tuple[int, int], far: tuple[int, int]) -> tuple[int, int]:
        """Where the search that came furthest from its corner stands, when both are given up."""
        old_low, old_high, new_low, new_high = box
        low_points, high_points = [], []
        for diagonal in range(near[0], near[1] + 1, 2):
            x = min(self.ahead[diagonal], old_high, new_high + diagonal)
            low_points.append((2 * x - diagonal - old_low - new_low, x, x - diagonal))
        for diagonal in range(far[0], far[1] + 1, 2):
            x = max(self.back[diagonal], old_low, new_low + diagonal)
            high_points.append((old_high + new_high + diagonal - 2 * x, x, x - diagonal))
        return max(max(low_points), max(high_points))[1:]


def _fence(
    reached: list[int], corner: int, cost: int, lowest: int, highest: int, outside: int
) -> tuple[int, int]:
    """The first and last diagonal that `cost` edits reach from a corner, with `outside` set beyond them where nothing
    was reached before. Diagonals outside of the box are left out."""
    first, last = corner - cost, corner + cost
    if first >= lowest:
        reached[first - 1] = outside
    else:
        first = lowest + (first - lowest) % 2
    if last <= highest:
        reached[last + 1] = outside
    else:
        last = highest - (last - highest) % 2
    return first, last
