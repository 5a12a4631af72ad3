"""What changed in a slice: by one commit, or between two."""

from __future__ import annotations

from typing import Any

from django.db import connection

from slices.diffs import ADD, RENAME, FilePair, op_between, with_renames
from slices.entries import Entry
from slices.models import Commit, Slice
from slices.moments import NOTHING
from slices.patterns import patterns_of
from slices.snapshots import changes_query

COMMITTED = """
SELECT version.path, version.op, version.old_mode, version.old_digest, before.new_size,
       version.new_mode, version.new_digest, version.new_size, version.renamed_from
  FROM slices_pathversion version
  LEFT JOIN LATERAL (
    SELECT earlier.new_size FROM slices_pathversion earlier
     WHERE version.old_mode IS NOT NULL AND earlier.organization_id = version.organization_id
       AND earlier.path = version.path AND earlier.seq < version.seq
     ORDER BY earlier.seq DESC LIMIT 1) before ON TRUE
 WHERE version.organization_id = %s AND version.seq = %s AND {covered}
 ORDER BY version.path LIMIT %s
"""


def changed_by(slice: Slice, commit: Commit, limit: int | None = None) -> list[FilePair]:
    """What the commit did to paths that the slice covers, in path order. A rename is a `rename` without an old entry at
    the new path and a `delete` at the old one; where the slice does not cover the old path, it is an `add`."""
    patterns = patterns_of(slice)
    covered, values = patterns.sql("version.path")
    with connection.cursor() as cursor:
        cursor.execute(COMMITTED.format(covered=covered), [slice.organization_id, commit.seq, *values, limit])
        rows = cursor.fetchall()
    pairs = []
    for path, op, *entries, renamed_from in rows:
        if renamed_from is not None and not patterns.covers(renamed_from):
            op, renamed_from = ADD, None
        pairs.append(FilePair(path, op, _entry(*entries[:3]), _entry(*entries[3:]), renamed_from))
    return pairs


def count_changed_by(slice: Slice, commit: Commit) -> int:
    """How many of the commit's paths the slice covers."""
    covered, values = patterns_of(slice).sql("path")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM slices_pathversion WHERE organization_id = %s AND seq = %s AND {covered}",
            [slice.organization_id, commit.seq, *values],
        )
        return cursor.fetchone()[0]


def joined_renames(pairs: list[FilePair]) -> list[FilePair]:
    """For reading: a rename carries the entry of the path it came from, and the deletion there is left out."""
    by_path = {pair.path: pair for pair in pairs}
    moved_away = {pair.renamed_from for pair in pairs if pair.op == RENAME}
    return [
        pair._replace(old=by_path[pair.renamed_from].old) if pair.renamed_from in by_path else pair
        for pair in pairs
        if pair.path not in moved_away
    ]


def changed_between(
    slice: Slice, before: Commit | None, after: Commit | None, path: str = ""
) -> list[FilePair]:
    """What differs between the slice at `before` and at `after` (None: nothing had landed), in path order; `path`
    limits it to a file or a folder."""
    changes = changes_query(slice, before.moment if before else NOTHING, after.moment if after else NOTHING)
    condition, values = "TRUE", []
    if path:
        condition = 'path = %s COLLATE "C" OR (path >= %s COLLATE "C" AND path < %s COLLATE "C")'
        values = [path, f"{path}/", f"{path}0"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT path, old_mode, old_digest, old_size, mode, digest, size"
            f" FROM ({changes.sql}) change WHERE {condition} ORDER BY path",
            [*changes.parameters, *values],
        )
        rows = cursor.fetchall()
    pairs = []
    for changed, *entries in rows:
        old, new = _entry(*entries[:3]), _entry(*entries[3:])
        pairs.append(FilePair(changed, op_between(old, new), old, new))
    return with_renames(pairs)


def _entry(mode: str | None, digest: Any, size: int | None) -> Entry | None:
    return None if mode is None else Entry(mode, bytes(digest), size or 0)
