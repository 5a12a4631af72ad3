"""Line diffs: Myers' greedy algorithm in linear space, with changes slid together as readers expect.

E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1 (1986), section 4b: the middle of a
shortest edit path is found from both ends at once, and both halves are compared in turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BINARY_PROBE = 8000  # bytes in which a NUL makes a file binary
CONTEXT = 3
MAX_COST = 1024  # edit steps after which the best path so far is taken, so that hopeless inputs stay quick
NO_NEWLINE = "\\ No newline at end of file"


@dataclass(frozen=True)
class Change:
    """Lines [old_start, old_end) of the old text became lines [new_start, new_end) of the new; counted from 0."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


@dataclass(frozen=True)
class Hunk:
    """Changes with their context. Starts count from 1 (0 when the count is 0). `lines` begin with ' ', '-' or '+'."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    lines: tuple[bytes, ...]


def is_binary(data: bytes) -> bool:
    return b"\0" in data[:BINARY_PROBE]


def split_lines(data: bytes) -> list[bytes]:
    """Lines with their line feeds; only the last may lack one."""
    lines = data.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def line_stats(old: bytes, new: bytes) -> tuple[int, int]:
    """Lines added and deleted."""
    changes = diff_lines(split_lines(old), split_lines(new))
    return sum(c.new_end - c.new_start for c in changes), sum(c.old_end - c.old_start for c in changes)


def diff_lines(old: Sequence[bytes], new: Sequence[bytes]) -> list[Change]:
    """The changes that make `new` of `old`, in order; between two of them stands at least one common line."""
    start, end = _common_ends(old, new)
    old_ids, new_ids = _interned(old[start : len(old) - end], new[start : len(new) - end])
    old_changed, new_changed = _changed_lines(old_ids, new_ids)
    head, tail = [False] * start, [False] * end
    flags = ([*head, *old_changed, *tail, False], [*head, *new_changed, *tail, False])
    _slide(old, flags[0], flags[1])
    _slide(new, flags[1], flags[0])
    return list(_changes(*flags))


def hunks(old: bytes, new: bytes, context: int = CONTEXT) -> list[Hunk]:
    """The diff in hunks with `context` common lines around."""
    old_lines, new_lines = split_lines(old), split_lines(new)
    return [
        _hunk(old_lines, new_lines, group, context)
        for group in _groups(diff_lines(old_lines, new_lines), context)
    ]


def unified(old: bytes, new: bytes, old_label: str, new_label: str, context: int = CONTEXT) -> bytes:
    """A unified diff; empty when nothing differs."""
    parts = [f"--- {old_label}\n+++ {new_label}\n".encode()]
    for hunk in hunks(old, new, context):
        parts.append(hunk_header(hunk).encode() + b"\n")
        for line in hunk.lines:
            parts.append(line if line.endswith(b"\n") else line + b"\n" + NO_NEWLINE.encode() + b"\n")
    return b"".join(parts) if len(parts) > 1 else b""


def hunk_header(hunk: Hunk) -> str:
    return f"@@ -{_span(hunk.old_start, hunk.old_count)} +{_span(hunk.new_start, hunk.new_count)} @@"


def _span(start: int, count: int) -> str:
    return str(start) if count == 1 else f"{start},{count}"


def _common_ends(old: Sequence[bytes], new: Sequence[bytes]) -> tuple[int, int]:
    """How many lines at the start, and then at the end, both have in common."""
    most = min(len(old), len(new))
    start = 0
    while start < most and old[start] == new[start]:
        start += 1
    end = 0
    while end < most - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, end


def _interned(old: Sequence[bytes], new: Sequence[bytes]) -> tuple[list[int], list[int]]:
    ids: dict[bytes, int] = {}
    return [ids.setdefault(line, len(ids)) for line in old], [ids.setdefault(line, len(ids)) for line in new]


def _changed_lines(old: list[int], new: list[int]) -> tuple[list[bool], list[bool]]:
    """Which lines are not part of the longest common subsequence. Lines that the other side lacks are left out of the
    search."""
    in_old, in_new = set(old), set(new)
    old_at = [at for at, line in enumerate(old) if line in in_new]
    new_at = [at for at, line in enumerate(new) if line in in_old]
    old_changed, new_changed = [True] * len(old), [True] * len(new)
    for at in old_at:
        old_changed[at] = False
    for at in new_at:
        new_changed[at] = False
    for old_gone, new_gone in _compare([old[at] for at in old_at], [new[at] for at in new_at]):
        for at in old_gone:
            old_changed[old_at[at]] = True
        for at in new_gone:
            new_changed[new_at[at]] = True
    return old_changed, new_changed


def _compare(old: list[int], new: list[int]) -> Iterator[tuple[range, range]]:
    """Ranges of `old` and `new` that have no counterpart."""
    boxes = [(0, len(old), 0, len(new))]
    while boxes:
        old_low, old_high, new_low, new_high = boxes.pop()
        while old_low < old_high and new_low < new_high and old[old_low] == new[new_low]:
            old_low, new_low = old_low + 1, new_low + 1
        while old_low < old_high and new_low < new_high and old[old_high - 1] == new[new_high - 1]:
            old_high, new_high = old_high - 1, new_high - 1
        if old_low == old_high or new_low == new_high:
            yield range(old_low, old_high), range(new_low, new_high)
            continue
        old_middle, new_middle = _middle(old, old_low, old_high, new, new_low, new_high)
        boxes.append((old_middle, old_high, new_middle, new_high))
        boxes.append((old_low, old_middle, new_low, new_middle))


def _middle(
    old: list[int], old_low: int, old_high: int, new: list[int], new_low: int, new_high: int
) -> tuple[int, int]:
    """A point on a shortest edit path, where the searches from both corners meet. A diagonal is old minus new index;
    `ahead` and `back` hold the furthest old index reached on each."""
    low, high = old_low - new_high, old_high - new_low
    start, goal = old_low - new_low, old_high - new_high
    odd = (start - goal) & 1
    ahead, back = {start: old_low}, {goal: old_high}
    first_ahead = last_ahead = start
    first_back = last_back = goal
    none = -1
    beyond = old_high + 1
    for cost in range(1, MAX_COST + len(old) + len(new)):
        if first_ahead > low:
            first_ahead -= 1
            ahead[first_ahead - 1] = none
        else:
            first_ahead += 1
        if last_ahead < high:
            last_ahead += 1
            ahead[last_ahead + 1] = none
        else:
            last_ahead -= 1
        for diagonal in range(last_ahead, first_ahead - 1, -2):
            before, after = ahead.get(diagonal - 1, none), ahead.get(diagonal + 1, none)
            x = before + 1 if before >= after else after
            y = x - diagonal
            while x < old_high and y < new_high and old[x] == new[y]:
                x, y = x + 1, y + 1
            ahead[diagonal] = x
            if odd and first_back <= diagonal <= last_back and back.get(diagonal, beyond) <= x:
                return x, y
        if first_back > low:
            first_back -= 1
            back[first_back - 1] = beyond
        else:
            first_back += 1
        if last_back < high:
            last_back += 1
            back[last_back + 1] = beyond
        else:
            last_back -= 1
        for diagonal in range(last_back, first_back - 1, -2):
            before, after = back.get(diagonal - 1, beyond), back.get(diagonal + 1, beyond)
            x = before if before < after else after - 1
            y = x - diagonal
            while x > old_low and y > new_low and old[x - 1] == new[y - 1]:
                x, y = x - 1, y - 1
            back[diagonal] = x
            if not odd and first_ahead <= diagonal <= last_ahead and x <= ahead.get(diagonal, none):
                return x, y
        if cost >= MAX_COST:
            return _furthest(ahead, first_ahead, last_ahead, old_high, new_high)
    raise AssertionError("both searches cover the box before the costs run out")


def _furthest(ahead: dict[int, int], first: int, last: int, old_high: int, new_high: int) -> tuple[int, int]:
    """The point furthest from the start, when the search is given up."""
    points = [(min(ahead[diagonal], old_high), diagonal) for diagonal in range(first, last + 1, 2)]
    points = [(x if x - diagonal <= new_high else new_high + diagonal, diagonal) for x, diagonal in points]
    x, diagonal = max(points, key=lambda point: 2 * point[0] - point[1])
    return x, x - diagonal


def _slide(lines: Sequence[bytes], changed: list[bool], other: list[bool]) -> None:
    """Move each group of changed lines down as far as it goes, joining groups that meet; where on its way it faces a
    group of the other side, it stays there. `changed` and `other` have a False at the end."""
    at, other_at = 0, _group_end(other, 0)
    total = len(lines)
    while True:
        while at < total and not changed[at]:
            at, other_at = at + 1, _group_end(other, other_at + 1)
        if at >= total:
            return
        start = at
        while changed[at]:
            at += 1
        end = at
        while True:
            size = end - start
            start, end, other_at = _slide_up(lines, changed, other, start, end, other_at)
            facing = end if _faces(other, other_at) else None
            start, end, other_at, facing = _slide_down(lines, changed, other, start, end, other_at, facing)
            if size == end - start:
                break
        if facing is not None:
            while end > facing:
                start, end = start - 1, end - 1
                changed[start], changed[end] = True, False
                other_at = _previous_group_end(other, other_at)
        at = end


def _slide_up(
    lines: Sequence[bytes], changed: list[bool], other: list[bool], start: int, end: int, other_at: int
) -> tuple[int, int, int]:
    while start > 0 and lines[start - 1] == lines[end - 1]:
        start, end = start - 1, end - 1
        changed[start], changed[end] = True, False
        while start > 0 and changed[start - 1]:
            start -= 1
        other_at = _previous_group_end(other, other_at)
    return start, end, other_at


def _slide_down(
    lines: Sequence[bytes],
    changed: list[bool],
    other: list[bool],
    start: int,
    end: int,
    other_at: int,
    facing: int | None,
) -> tuple[int, int, int, int | None]:
    while end < len(lines) and lines[start] == lines[end]:
        changed[start], changed[end] = False, True
        start, end = start + 1, end + 1
        while changed[end]:
            end += 1
        other_at = _group_end(other, other_at + 1)
        if _faces(other, other_at):
            facing = end
    return start, end, other_at, facing


def _group_end(flags: list[bool], at: int) -> int:
    while at < len(flags) and flags[at]:
        at += 1
    return at


def _previous_group_end(flags: list[bool], at: int) -> int:
    """From the end of one (perhaps empty) group to the end of the one before it."""
    while at > 0 and flags[at - 1]:
        at -= 1
    return at - 1


def _faces(flags: list[bool], at: int) -> bool:
    """Whether a group that is not empty ends here."""
    return at > 0 and flags[at - 1]


def _changes(old_changed: list[bool], new_changed: list[bool]) -> Iterator[Change]:
    old_at = new_at = 0
    old_total, new_total = len(old_changed) - 1, len(new_changed) - 1
    while old_at < old_total or new_at < new_total:
        old_start, new_start = old_at, new_at
        old_at, new_at = _group_end(old_changed, old_at), _group_end(new_changed, new_at)
        if (old_start, new_start) != (old_at, new_at):
            yield Change(old_start, old_at, new_start, new_at)
        old_at, new_at = old_at + 1, new_at + 1


def _groups(changes: list[Change], context: int) -> Iterator[list[Change]]:
    """Changes whose contexts touch go into one hunk."""
    group: list[Change] = []
    for change in changes:
        if group and change.old_start - group[-1].old_end > 2 * context:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _hunk(old: list[bytes], new: list[bytes], group: list[Change], context: int) -> Hunk:
    old_start = max(group[0].old_start - context, 0)
    new_start = group[0].new_start - (group[0].old_start - old_start)
    old_end = min(group[-1].old_end + context, len(old))
    new_end = group[-1].new_end + (old_end - group[-1].old_end)
    lines: list[bytes] = []
    at = old_start
    for change in group:
        lines += [b" " + line for line in old[at : change.old_start]]
        lines += [b"-" + line for line in old[change.old_start : change.old_end]]
        lines += [b"+" + line for line in new[change.new_start : change.new_end]]
        at = change.old_end
    lines += [b" " + line for line in old[at:old_end]]
    old_count, new_count = old_end - old_start, new_end - new_start
    return Hunk(
        old_start + 1 if old_count else old_start,
        old_count,
        new_start + 1 if new_count else new_start,
        new_count,
        tuple(lines),
    )
