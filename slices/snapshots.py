"""A slice at a commit, as SQL: which entries stand there, and what differs between two commits.

Both queries are functions of (patterns, commit) alone. Path heads that moved since the commit are looked up among the
path versions, so an answer is right whenever its snapshot is taken and however old the commit is; it costs a range
scan of the covered heads, and an index lookup for each path that changed since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slices.models import Commit, Slice
from slices.patterns import Patterns, patterns_of

ENTRIES = """
SELECT head.path,
       CASE WHEN head.seq <= %s THEN head.mode ELSE earlier.new_mode END AS mode,
       CASE WHEN head.seq <= %s THEN head.digest ELSE earlier.new_digest END AS digest,
       CASE WHEN head.seq <= %s THEN head.size ELSE earlier.new_size END AS size
  FROM slices_pathhead head
  LEFT JOIN LATERAL (
    SELECT version.new_mode, version.new_digest, version.new_size FROM slices_pathversion version
     WHERE head.seq > %s AND version.organization_id = %s AND version.path = head.path AND version.seq <= %s
     ORDER BY version.seq DESC LIMIT 1) earlier ON TRUE
 WHERE head.organization_id = %s AND {covered}
   AND CASE WHEN head.seq <= %s THEN head.mode ELSE earlier.new_mode END IS NOT NULL
"""

CHANGES = """
SELECT changed.path, before.new_mode AS old_mode, before.new_digest AS old_digest, before.new_size AS old_size,
       after.new_mode AS mode, after.new_digest AS digest, after.new_size AS size
  FROM (SELECT DISTINCT version.path FROM slices_pathversion version
         WHERE version.organization_id = %s AND version.seq > %s AND version.seq <= %s AND {logged} AND {covered}
       ) changed
  LEFT JOIN LATERAL (
    SELECT version.new_mode, version.new_digest, version.new_size FROM slices_pathversion version
     WHERE version.organization_id = %s AND version.path = changed.path AND version.seq <= %s
     ORDER BY version.seq DESC LIMIT 1) before ON TRUE
  LEFT JOIN LATERAL (
    SELECT version.new_mode, version.new_digest, version.new_size FROM slices_pathversion version
     WHERE version.organization_id = %s AND version.path = changed.path AND version.seq <= %s
     ORDER BY version.seq DESC LIMIT 1) after ON TRUE
 WHERE (before.new_mode, before.new_digest) IS DISTINCT FROM (after.new_mode, after.new_digest)
"""

LOGGED = "version.seq IN (SELECT log.seq FROM slices_slicelog log WHERE log.slice_id = %s AND log.seq > %s AND log.seq <= %s)"


@dataclass(frozen=True)
class Query:
    """SQL and its parameters, usable as a statement or in a FROM clause."""

    sql: str
    parameters: tuple[Any, ...]


def entries_query(organization_id: int, patterns: Patterns, seq: int) -> Query:
    """Columns path, mode, digest, size; a row for every covered path that stood when `seq` had landed. Unordered."""
    covered, values = patterns.sql("head.path")
    parameters = (seq, seq, seq, seq, organization_id, seq, organization_id, *values, seq)
    return Query(ENTRIES.format(covered=covered), parameters)


def changes_query(slice: Slice, before: int, after: int) -> Query:
    """Columns path, old_mode, old_digest, old_size, mode, digest, size; a row for every covered path whose entry differs
    between the two seqs, in either direction. Unordered. Cost: O(path versions of the slice between them)."""
    low, high = sorted((before, after))
    covered, values = patterns_of(slice).sql("version.path")
    logged, limits = ("TRUE", ()) if slice.is_root else (LOGGED, (slice.pk, low, high))
    organization_id = slice.organization_id
    parameters = (
        organization_id,
        low,
        high,
        *limits,
        *values,
        organization_id,
        before,
        organization_id,
        after,
    )
    return Query(CHANGES.format(logged=logged, covered=covered), parameters)


def entries_of(slice: Slice, commit: Commit) -> Query:
    return entries_query(slice.organization_id, patterns_of(slice), commit.seq)
