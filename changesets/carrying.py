"""Lines that are followed from one content of a file to another. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gitslice_core.diff import Change


def carried(changes: Sequence[Change], start: int, line: int) -> tuple[int, int] | None:
    """Where lines `start` to `line` (from 1) of the old content stand in the new one; None if any of them changed, or
    something was put between them."""
    first, end = start - 1, line
    shift = 0
    for change in changes:
        if change.old_end <= first:
            shift += (change.new_end - change.new_start) - (change.old_end - change.old_start)
        elif change.old_start < end:
            return None
    return start + shift, line + shift
