"""Folders of a slice: what stands in one at a commit, and the patterns that a fork of one gets."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db import connection

from gitslice.common.errors import InvalidPath
from gitslice_core.paths import PathError, validate_path
from slices.containment import contains
from slices.entries import SYMLINK, entries_at
from slices.errors import FolderOutsideSlice, PathNotFound
from slices.globs import ANYTHING, escape, parse
from slices.models import Commit, Slice
from slices.patterns import HIGHEST, Interval, Patterns, patterns_of
from slices.reach import relevant_excludes

# One index descent for every child: from the first covered path at or after `after`, jump behind the child it is in.
# {live} is whether a path stood at the commit; {covered} is the slice's condition.
CHILDREN = """
WITH RECURSIVE child(path, name, is_folder, high) AS (
    SELECT first.path, split_part(substr(first.path, %(skip)s), '/', 1),
           strpos(substr(first.path, %(skip)s), '/') > 0, wanted.high
      FROM unnest(%(lows)s::text[], %(highs)s::text[]) AS wanted(low, high)
     CROSS JOIN LATERAL (
        SELECT head.path FROM slices_pathhead head
         WHERE head.organization_id = %(organization)s
           AND head.path >= wanted.low COLLATE "C" AND head.path < wanted.high COLLATE "C"
           AND {live} AND {covered}
         ORDER BY head.path LIMIT 1) first
    UNION ALL
    SELECT next.path, split_part(substr(next.path, %(skip)s), '/', 1),
           strpos(substr(next.path, %(skip)s), '/') > 0, child.high
      FROM child
     CROSS JOIN LATERAL (
        SELECT head.path FROM slices_pathhead head
         WHERE head.organization_id = %(organization)s
           AND head.path >= (%(folder)s || child.name || CASE WHEN child.is_folder THEN '0' ELSE chr(1) END) COLLATE "C"
           AND head.path < child.high COLLATE "C"
           AND {live} AND {covered}
         ORDER BY head.path LIMIT 1) next
)
SELECT DISTINCT name, is_folder FROM child
"""

LIVE = """CASE WHEN {head_reached} THEN head.mode IS NOT NULL ELSE coalesce((
    SELECT version.new_mode IS NOT NULL FROM slices_pathversion version
     WHERE version.organization_id = head.organization_id AND version.path = head.path AND {version_reached}
     ORDER BY version.seq DESC LIMIT 1), FALSE) END"""


class Child(NamedTuple):
    """A file, symlink or folder in a folder; folders have no entry of their own."""

    name: str
    kind: str
    mode: str | None = None
    digest: bytes | None = None
    size: int | None = None

    @property
    def place(self) -> str:
        """Where it stands in the order of paths of its folder."""
        return f"{self.name}/" if self.kind == "folder" else self.name


def list_folder(
    slice: Slice, commit: Commit | None, path: str, *, after: str = "", limit: int | None = None
) -> list[Child]:
    """What stands directly in the folder ('' is the root) at the commit: folders first, each kind by name in byte order;
    with a limit so many of them at most, the first behind the place `after` in the order of paths.

    Cost: two index descents a child, whatever lies below. Raises InvalidPath, PathNotFound.
    """
    if path:
        _check_path(path)
    rows = _children(slice, commit, path, after, limit) if commit else []
    if not rows and path:
        raise PathNotFound(f"{slice} has no folder {path}", path=path)
    folder = f"{path}/" if path else ""
    names = [name for name, is_folder in rows if not is_folder]
    files = [folder + name for name in names]
    entries = entries_at(slice.organization_id, files, commit.moment) if commit else {}
    children = [Child(name, "folder") for name, is_folder in rows if is_folder]
    for name in names:
        entry = entries[folder + name]
        children.append(Child(name, "symlink" if entry.mode == SYMLINK else "file", *entry))
    return children


def folder_patterns(source: Slice, folder: str) -> Patterns:
    """The patterns that cover all of `folder` that `source` covers."""
    folder = folder.removesuffix("/**").rstrip("/")
    _check_path(folder)
    own = patterns_of(source)
    wanted = parse(f"{escape(folder)}/{ANYTHING}")
    if not any(contains(include, wanted) for include in own.include_patterns):
        raise FolderOutsideSlice(f"{source} does not cover all of {folder}", path=folder)
    patterns = Patterns((wanted.text,), tuple(exclude.text for exclude in relevant_excludes(own, wanted)))
    if not _has_files(source.organization_id, patterns):
        raise PathNotFound(f"{source} has no folder {folder}", path=folder)
    return patterns


def _children(
    slice: Slice, commit: Commit, path: str, after: str, limit: int | None
) -> list[tuple[str, bool]]:
    folder = f"{path}/" if path else ""
    patterns = patterns_of(slice)
    # '0' follows '/', and no path has a chr(1).
    low = folder
    if after:
        low += f"{after[:-1]}0" if after.endswith("/") else f"{after}\x01"
    intervals = _clipped(patterns.intervals(), Interval(low, f"{path}0" if path else HIGHEST))
    covered, values = patterns.sql("head.path")
    names = [f"covered_{number}" for number in range(len(values))]
    parameters: dict[str, Any] = dict(zip(names, values, strict=True)) | {
        "organization": slice.organization_id,
        "folder": folder,
        "skip": len(folder) + 1,
        "lows": [interval.low for interval in intervals],
        "highs": [interval.high for interval in intervals],
    }
    moment = commit.moment
    live = LIVE.format(head_reached=moment.reached("head.seq"), version_reached=moment.reached("version.seq"))
    sql = CHILDREN.format(live=live, covered=covered % tuple(f"%({name})s" for name in names))
    if (
        limit is not None and len(intervals) == 1
    ):  # children come in order, and it ends with the last that is wanted
        sql = f"{sql.replace('SELECT DISTINCT', 'SELECT')} LIMIT {limit:d}"
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    return sorted(sorted(rows, key=lambda row: f"{row[0]}/" if row[1] else row[0])[:limit])


def _clipped(intervals: list[Interval], within: Interval) -> list[Interval]:
    clipped = [Interval(max(i.low, within.low), min(i.high, within.high)) for i in intervals]
    return [interval for interval in clipped if interval.low < interval.high]


def _has_files(organization_id: int, patterns: Patterns) -> bool:
    covered, parameters = patterns.sql("path")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM slices_pathhead"
            f" WHERE organization_id = %s AND mode IS NOT NULL AND {covered})",
            [organization_id, *parameters],
        )
        return cursor.fetchone()[0]


def _check_path(path: str) -> None:
    try:
        validate_path(path)
    except PathError as error:
        raise InvalidPath(f"{path[:200]!r}: {error}", path=path[:200]) from None
