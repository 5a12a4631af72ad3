"""Which commit last changed each thing in a folder."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from slices.folders import Child
from slices.models import Commit, Slice
from slices.patterns import patterns_of

NEWEST = """
SELECT child.name, newest.seq
  FROM unnest(%s::text[], %s::text[], %s::text[]) AS child(name, low, high)
 CROSS JOIN LATERAL (
    SELECT max(version.seq) AS seq FROM slices_pathversion version
     WHERE version.organization_id = %s AND version.path >= child.low COLLATE "C"
       AND version.path < child.high COLLATE "C" AND {reached} AND {covered}) newest
 WHERE newest.seq IS NOT NULL
"""


def last_commits(
    slice: Slice, commit: Commit | None, folder: str, children: Sequence[Child]
) -> dict[str, Commit]:
    """Name -> the newest commit up to `commit` that changed the child, or something below it that the slice covers.

    Two questions. Cost: a range scan of an index over the path versions below the folder.
    """
    if commit is None or not children:
        return {}
    bounds = [_bounds(f"{folder}/" if folder else "", child) for child in children]
    covered, values = patterns_of(slice).sql("version.path")
    names = [child.name for child in children]
    with connection.cursor() as cursor:
        cursor.execute(
            NEWEST.format(covered=covered, reached=commit.moment.reached("version.seq")),
            [
                names,
                [low for low, _ in bounds],
                [high for _, high in bounds],
                slice.organization_id,
                *values,
            ],
        )
        seqs = dict(cursor.fetchall())
    found = Commit.objects.filter(organization=slice.organization_id, seq__in=set(seqs.values()))
    by_seq = {commit.seq: commit for commit in found.select_related("author")}
    return {name: by_seq[seq] for name, seq in seqs.items()}


def _bounds(prefix: str, child: Child) -> tuple[str, str]:
    """From where to where the child's paths lie in the order of bytes: '0' follows '/', no path has a chr(1)."""
    path = prefix + child.name
    return (f"{path}/", f"{path}0") if child.kind == "folder" else (path, f"{path}\x01")
