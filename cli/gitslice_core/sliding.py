"""Where groups of changed lines stand: the same edit can often be placed a few lines up or down.

Common lines pair up, so they can be numbered; a group of changed lines of one side stands in a gap, before the common
line of that number. When the line before a group equals its last line, the group can move up one gap; when the line
after it equals its first, down one. As in git, groups of a side that meet become one; a group that can face a changed
group of the other side does (the result is one change instead of two); any other moves down as far as it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Group = tuple[int, int]  # gap, number of lines
Place = Callable[
    [int, int, int], int
]  # first line, number of lines, most lines to move up -> lines to move up


def groups(flags: bytearray) -> list[Group]:
    """The runs of 1 in flags of lines."""
    found = []
    at = changed = 0
    while (start := flags.find(1, at)) >= 0:
        at = flags.find(0, start)
        at = len(flags) if at < 0 else at
        found.append((start - changed, at - start))
        changed += at - start
    return found


def slid(
    lines: Sequence[int], side: list[Group], other: list[Group], place: Place | None = None
) -> list[Group]:
    """The groups of one side, moved. `lines` are all lines of the side, `other` the groups of the other side; `place`
    says where a group goes that faces nothing."""
    facing = {gap for gap, _ in other}
    waiting = side[::-1]
    done: list[Group] = []
    moved = 0  # lines in `done`
    while waiting:
        gap, size = waiting.pop()
        before = -1
        while size != before:
            before = size
            start = gap + moved
            while start and lines[start - 1] == lines[start + size - 1]:
                start, gap = start - 1, gap - 1
                if done and done[-1][0] == gap:
                    absorbed = done.pop()[1]
                    start, size, moved = start - absorbed, size + absorbed, moved - absorbed
            top = gap
            best = gap if gap in facing else None
            while start + size < len(lines) and lines[start] == lines[start + size]:
                start, gap = start + 1, gap + 1
                if waiting and waiting[-1][0] == gap:
                    size += waiting.pop()[1]
                if gap in facing:
                    best = gap
        if best is not None:
            gap = best
        elif place is not None and gap > top:
            gap -= place(start, size, gap - top)
        done.append((gap, size))
        moved += size
    return done
