"""Entries: what stands at a path, now or at an older commit."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from django.db import connection

from gitslice_core.paths import ancestors
from slices.moments import Moment

REGULAR, EXECUTABLE, SYMLINK = "100644", "100755", "120000"
MODES = (REGULAR, EXECUTABLE, SYMLINK)


class Entry(NamedTuple):
    """What stands at a path. `digest` is the SHA-256 of the content (a symlink's content is its target)."""

    mode: str
    digest: bytes
    size: int


class Head(NamedTuple):
    """The path head: `entry` is None where the path was deleted at `seq`."""

    entry: Entry | None
    seq: int


def heads(organization_id: int, paths: Collection[str]) -> dict[str, Head]:
    """The heads of those paths that ever stood in the tree."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT path, mode, digest, size, seq FROM slices_pathhead WHERE organization_id = %s AND path = ANY(%s)",
            [organization_id, list(paths)],
        )
        return {path: Head(entry_of(mode, digest, size), seq) for path, mode, digest, size, seq in cursor}


def entries_at(organization_id: int, paths: Collection[str], moment: Moment) -> dict[str, Entry]:
    """The entries that stood at those paths at the moment; absent ones are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.path, v.new_mode, v.new_digest, v.new_size FROM unnest(%s::text[]) AS p(path)"
            " CROSS JOIN LATERAL ("
            "  SELECT new_mode, new_digest, new_size FROM slices_pathversion"
            f'  WHERE organization_id = %s AND path = p.path COLLATE "C" AND {moment.reached("seq")}'
            "  ORDER BY seq DESC LIMIT 1"
            " ) v WHERE v.new_mode IS NOT NULL",
            [list(paths), organization_id],
        )
        return {path: Entry(mode, bytes(digest), size) for path, mode, digest, size in cursor}


def standing_in_the_way(organization_id: int, path: str) -> dict[str, Entry]:
    """Live files that keep `path` from being a file: one that is where a folder of it has to be, or all below it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT path, mode, digest, size FROM slices_pathhead WHERE organization_id = %s AND mode IS NOT NULL"
            " AND (path = ANY(%s) OR (path > %s AND path < %s)) ORDER BY path",
            [organization_id, ancestors(path), f"{path}/", f"{path}0"],
        )
        return {name: Entry(mode, bytes(digest), size) for name, mode, digest, size in cursor}


def entry_body(entry: Entry | None) -> dict[str, Any] | None:
    """The entry as the API shows it."""
    return entry and {"mode": entry.mode, "digest": entry.digest.hex(), "size": entry.size}


def entry_of(mode: str | None, digest: Any, size: int | None) -> Entry | None:
    """The entry of three columns; None where they are NULL."""
    return None if mode is None or size is None else Entry(mode, bytes(digest), size)
