"""A slice at a commit, as SQL: which entries stand there, and what differs between two commits.

Both queries are functions of (patterns, moment) alone. Path heads that moved since the commit are looked up among the
path versions, so an answer is right whenever its snapshot is taken and however old the commit is; it costs a range
scan of the covered heads, and an index lookup for each path that changed since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slices.models import Commit, Slice
from slices.moments import Moment, between
from slices.patterns import Patterns, patterns_of

ENTRIES = """
SELECT head.path,
       CASE WHEN {head_reached} THEN head.mode ELSE earlier.new_mode END AS mode,
       CASE WHEN {head_reached} THEN head.digest ELSE earlier.new_digest END AS digest,
       CASE WHEN {head_reached} THEN head.size ELSE earlier.new_size END AS size
  FROM slices_pathhead head
  LEFT JOIN LATERAL (
    SELECT version.new_mode, version.new_digest, version.new_size FROM slices_pathversion version
     WHERE NOT {head_reached} AND version.organization_id = %s AND version.path = head.path AND {version_reached}
     ORDER BY version.seq DESC LIMIT 1) earlier ON TRUE
 WHERE head.organization_id = %s AND {covered}
   AND CASE WHEN {head_reached} THEN head.mode ELSE earlier.new_mode END IS NOT NULL
"""

CHANGES = """
SELECT changed.path, before.new_mode AS old_mode, before.new_digest AS old_digest, before.new_size AS old_size,
       after.new_mode AS mode, after.new_digest AS digest, after.new_size AS size
  FROM (SELECT DISTINCT version.path FROM slices_pathversion version
         WHERE version.organization_id = %s AND {between} AND {logged} AND {covered}
       ) changed
  LEFT JOIN LATERAL (
    SELECT version.new_mode, version.new_digest, version.new_size FROM slices_pathversion version
     WHERE version.organization_id = %s AND version.path = changed.path AND {before_reached}
     ORDER BY version.seq DESC LIMIT 1) before ON TRUE
  LEFT JOIN LATERAL (
    SELECT version.new_mode, version.new_digest, version.new_size FROM slices_pathversion version
     WHERE version.organization_id = %s AND version.path = changed.path AND {after_reached}
     ORDER BY version.seq DESC LIMIT 1) after ON TRUE
 WHERE (before.new_mode, before.new_digest) IS DISTINCT FROM (after.new_mode, after.new_digest)
"""

LOGGED = "version.seq IN (SELECT log.seq FROM slices_slicelog log WHERE log.slice_id = %s AND {between})"


@dataclass(frozen=True)
class Query:
    """SQL and its parameters, usable as a statement or in a FROM clause."""

    sql: str
    parameters: tuple[Any, ...]


def entries_query(organization_id: int, patterns: Patterns, moment: Moment) -> Query:
    """Columns path, mode, digest, size; a row for every covered path that stood at the moment. Unordered."""
    covered, values = patterns.sql("head.path")
    sql = ENTRIES.format(
        covered=covered,
        head_reached=moment.reached("head.seq"),
        version_reached=moment.reached("version.seq"),
    )
    return Query(sql, (organization_id, organization_id, *values))


def changes_query(slice: Slice, before: Moment, after: Moment) -> Query:
    """Columns path, old_mode, old_digest, old_size, mode, digest, size; a row for every covered path whose entry differs
    between the two moments, in either direction. Unordered. Cost: O(path versions of the slice between them)."""
    covered, values = patterns_of(slice).sql("version.path")
    sql = CHANGES.format(
        covered=covered,
        between=between(before, after, "version.seq"),
        logged="TRUE" if slice.is_root else LOGGED.format(between=between(before, after, "log.seq")),
        before_reached=before.reached("version.seq"),
        after_reached=after.reached("version.seq"),
    )
    logged = () if slice.is_root else (slice.pk,)
    organization_id = slice.organization_id
    return Query(sql, (organization_id, *logged, *values, organization_id, organization_id))


def entries_of(slice: Slice, commit: Commit) -> Query:
    return entries_query(slice.organization_id, patterns_of(slice), commit.moment)
