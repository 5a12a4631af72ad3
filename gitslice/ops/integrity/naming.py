"""Where a blob is named: so that a person knows what is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from accounts.models import Organization
from gitslice.common.rows import fetch_rows
from slices.fsck import Finding

SHOWN = 5  # places of a blob that are told
IN_COMMITS = """
SELECT version.path, encode(done.digest, 'hex'), done.author_id FROM slices_pathversion version
  JOIN slices_commit done ON done.organization_id = version.organization_id AND done.seq = version.seq
 WHERE version.organization_id = %s AND version.new_digest = %s ORDER BY version.seq DESC LIMIT %s
"""
IN_PATCHSETS = """
SELECT edit.path, 'cl-' || changeset.number || '/' || patchset.number, patchset.author_id FROM changesets_edit edit
  JOIN changesets_patchset patchset ON patchset.id = edit.patchset_id
  JOIN changesets_changeset changeset ON changeset.id = patchset.changeset_id
 WHERE edit.organization_id = %s AND edit.digest = %s ORDER BY edit.id DESC LIMIT %s
"""
WITHOUT_BLOB = """
SELECT edit.path, 'cl-' || changeset.number || '/' || patchset.number, encode(edit.digest, 'hex')
  FROM changesets_edit edit
  JOIN changesets_patchset patchset ON patchset.id = edit.patchset_id
  JOIN changesets_changeset changeset ON changeset.id = patchset.changeset_id
 WHERE edit.organization_id = %s AND edit.digest IS NOT NULL
   AND NOT EXISTS (SELECT FROM objects_blob blob
                    WHERE blob.organization_id = edit.organization_id AND blob.digest = edit.digest)
   AND NOT EXISTS (SELECT FROM objects_redaction gone
                    WHERE gone.organization_id = edit.organization_id AND gone.digest = edit.digest)
   AND NOT EXISTS (SELECT FROM slices_pathversion version
                    WHERE version.organization_id = edit.organization_id AND version.new_digest = edit.digest)
 ORDER BY edit.id
"""


class Place(NamedTuple):
    path: str
    where: str  # a commit's digest, or `cl-NUMBER/PATCHSET`
    author_id: int


def places_of(organization_id: int, digest: bytes) -> list[Place]:
    """The newest places that name a blob, in commits first."""
    for sql in (IN_COMMITS, IN_PATCHSETS):
        rows = fetch_rows(sql, [organization_id, digest, SHOWN])
        if rows:
            return [Place(*row) for row in rows]
    return []


def check_patchsets(organization: Organization) -> Iterator[Finding]:
    """Contents that patchsets name, no commit does, and no pack holds."""
    for path, patchset, digest in fetch_rows(WITHOUT_BLOB, [organization.pk]):
        facts: dict[str, Any] = {"path": path, "patchset": patchset, "digest": digest}
        yield Finding(path, f"no pack holds its content: blob {digest}, patchset {patchset}", facts=facts)
