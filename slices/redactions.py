"""What readers are given where a content was redacted: the placeholder, as any other file. Commits keep the digest."""

from __future__ import annotations

from collections.abc import Collection

from gitslice.common.rows import fetch_row, fetch_rows
from slices.snapshots import Query

ANY = "SELECT EXISTS (SELECT FROM objects_redaction WHERE organization_id = %s)"
SHOWN = """
SELECT entry.path, entry.mode, coalesce(gone.placeholder, entry.digest) AS digest,
       CASE WHEN gone.id IS NULL THEN entry.size ELSE stand_in.size END AS size
  FROM ({entries}) entry
  LEFT JOIN objects_redaction gone ON gone.organization_id = %s AND gone.digest = entry.digest
  LEFT JOIN objects_blob stand_in ON stand_in.organization_id = gone.organization_id
                                 AND stand_in.digest = gone.placeholder
"""
INSTEAD = "SELECT digest, placeholder FROM objects_redaction WHERE organization_id = %s AND digest = ANY(%s)"


def as_shown(organization_id: int, entries: Query) -> Query:
    """A query with the columns path, mode, digest and size, of what readers are given. Most organizations have redacted
    nothing, and pay for one look."""
    row = fetch_row(ANY, [organization_id])
    if not row or not row[0]:
        return entries
    return Query(SHOWN.format(entries=entries.sql), (*entries.parameters, organization_id))


def shown_digests(organization_id: int, digests: Collection[bytes]) -> set[bytes]:
    """The blobs that are sent for these."""
    rows = fetch_rows(INSTEAD, [organization_id, list(digests)])
    instead = {bytes(digest): bytes(placeholder) for digest, placeholder in rows}
    return {instead.get(digest, digest) for digest in digests}
