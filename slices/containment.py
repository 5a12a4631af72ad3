"""Whether everything that one pattern matches is matched by another. Pure, and sound: never a false yes.

It may say no where a cleverer proof would say yes (two different sets of characters, say).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from slices.globs import ANYTHING, BELOW, LITERAL, STAR, Part, Pattern, literal_of, part_regex

Parts = Sequence[Part | str]


def contains(outer: Pattern, inner: Pattern) -> bool:
    """Does `outer` match every path that `inner` can match?"""
    if outer.kind in (BELOW, LITERAL):
        return _lies_in_folder(outer, inner)
    return all(any(_parts_contain(wide, narrow) for wide in _readings(outer)) for narrow in _readings(inner))


def overlap_possible(one: Pattern, other: Pattern) -> bool:
    """May a path match both? Decided by their literal folders alone, so a yes may be wrong, a no never is."""
    folders = (f"{one.prefix}/".lstrip("/"), f"{other.prefix}/".lstrip("/"))
    return folders[0].startswith(folders[1]) or folders[1].startswith(folders[0])


def _lies_in_folder(outer: Pattern, inner: Pattern) -> bool:
    if outer.kind == BELOW and not outer.prefix:
        return True
    if inner.prefix.startswith(f"{outer.prefix}/"):
        return True
    return inner.prefix == outer.prefix and (outer.kind == LITERAL or inner.kind != LITERAL)


def _readings(pattern: Pattern) -> list[Parts]:
    """A literal pattern is two: the file itself, and all below the folder."""
    return [pattern.parts, (*pattern.parts, ANYTHING)] if pattern.kind == LITERAL else [pattern.parts]


def _parts_contain(outer: Parts, inner: Parts) -> bool:
    """Dynamic programming over the suffixes of both, from the ends."""
    rows, columns = len(outer), len(inner)
    holds = [[False] * (columns + 1) for _ in range(rows + 1)]
    holds[rows][columns] = True
    for i in range(rows - 1, -1, -1):
        last = i == rows - 1
        for j in range(columns, -1, -1):
            if outer[i] == ANYTHING:
                if last:  # everything below: at least one part is left of whatever kind
                    holds[i][j] = j < columns
                else:
                    holds[i][j] = holds[i + 1][j] or (j < columns and holds[i][j + 1])
            else:
                holds[i][j] = (
                    j < columns
                    and inner[j] != ANYTHING
                    and _part_contains(outer[i], inner[j])  # type: ignore[arg-type]
                    and holds[i + 1][j + 1]
                )
    return holds[0][0]


def _part_contains(outer: Part, inner: Part) -> bool:
    if outer == inner or outer == (STAR,):
        return True
    literal = literal_of(inner)
    return literal is not None and re.fullmatch(part_regex(outer), literal, re.DOTALL) is not None
