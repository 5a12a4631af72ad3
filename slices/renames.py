"""Which paths a file had before it was renamed to the one that it has."""

from __future__ import annotations

from typing import NamedTuple

from slices.models import PathVersion, Slice
from slices.patterns import patterns_of

MOST = 20  # renames that are followed


class Former(NamedTuple):
    """The file stood at `path` until the commit `seq`."""

    path: str
    seq: int


def former_paths(slice: Slice, path: str) -> list[Former]:
    """The newest first, as far as the slice covers them. Cost: one index lookup a rename."""
    found: list[Former] = []
    patterns = patterns_of(slice)
    while len(found) < MOST:
        versions = PathVersion.objects.filter(
            organization=slice.organization_id, path=path, op=PathVersion.Op.RENAME
        )
        if found:
            versions = versions.filter(seq__lt=found[-1].seq)
        newest = versions.order_by("-seq").values_list("renamed_from", "seq").first()
        if newest is None or newest[0] is None or not patterns.covers(newest[0]):
            break
        path = newest[0]
        found.append(Former(path, newest[1]))
    return found


def path_then(path: str, former: list[Former], seq: int) -> str:
    """The path that the file had after the commit `seq`."""
    for before in former:
        if seq >= before.seq:
            break
        path = before.path
    return path
