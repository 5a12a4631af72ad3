"""Definition versions: their digest (docs/concepts.md), and what a new one changes: prefixes, log and head."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import connection
from django.utils import timezone

from accounts.models import User
from slices.models import Definition, Slice, SlicePrefix
from slices.patterns import Patterns

REWRITE_SECONDS = 600  # a statement that fills the log of a slice over a big tree may take this long

FILL_LOG = """
INSERT INTO slices_slicelog (slice_id, seq)
SELECT DISTINCT %s::bigint, version.seq FROM slices_pathversion version
 WHERE version.organization_id = %s AND {covered}
    ON CONFLICT (slice_id, seq) DO NOTHING
"""

SET_HEAD = """
UPDATE slices_slice SET head_id = (
    SELECT newest.id FROM slices_slicelog log
      JOIN slices_commit newest ON newest.organization_id = slices_slice.organization_id AND newest.seq = log.seq
     WHERE log.slice_id = slices_slice.id ORDER BY log.seq DESC LIMIT 1)
 WHERE id = %s RETURNING head_id
"""


def definition_digest(
    *,
    parent: bytes | None,
    slice_id: int,
    version: int,
    author_id: int | None,
    created_at: datetime,
    patterns: Patterns,
) -> bytes:
    """SHA-256 over the canonical encoding; `parent` is the digest of the version before."""
    time = created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    lines = [
        "gitslice definition 1",
        f"parent {'-' if parent is None else parent.hex()}",
        f"slice {slice_id}",
        f"version {version}",
        f"author {author_id or '-'}",
        f"time {time}",
        *(f"include {pattern}" for pattern in patterns.includes),
        *(f"exclude {pattern}" for pattern in patterns.excludes),
    ]
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).digest()


def append_definition(slice: Slice, patterns: Patterns, author: User) -> Definition:
    """Make `patterns` the slice's newest definition. The slice's prefixes and log are `rebuild_coverage`'s work."""
    before = slice.definition
    parent = bytes(before.digest) if before else None
    version = before.version + 1 if before else 1
    created_at = timezone.now()
    digest = definition_digest(
        parent=parent,
        slice_id=slice.pk,
        version=version,
        author_id=author.pk,
        created_at=created_at,
        patterns=patterns,
    )
    slice.definition = Definition.objects.create(
        slice=slice,
        version=version,
        includes=list(patterns.includes),
        excludes=list(patterns.excludes),
        digest=digest,
        parent_digest=parent,
        author=author,
        created_at=created_at,
    )
    slice.save(update_fields=["definition"])
    return slice.definition


def rebuild_coverage(slice: Slice, patterns: Patterns) -> None:
    """Write the prefixes of the patterns, add the commits of newly covered paths to the log, and set the head.

    The caller owns the epoch lock, so nothing lands meanwhile. Cost: one range scan of the covered path versions.
    """
    rebuild_prefixes(slice, patterns)
    covered, parameters = patterns.sql("version.path")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{REWRITE_SECONDS}s"])
        cursor.execute(FILL_LOG.format(covered=covered), [slice.pk, slice.organization_id, *parameters])
        cursor.execute(SET_HEAD, [slice.pk])
        (slice.head_id,) = cursor.fetchone()


def rebuild_prefixes(slice: Slice, patterns: Patterns) -> None:
    """Write the prefixes of the patterns. The caller owns the epoch lock."""
    SlicePrefix.objects.filter(slice=slice).delete()
    SlicePrefix.objects.bulk_create(_prefixes(slice, patterns.prefixes()))


def _prefixes(slice: Slice, prefixes: Iterable[str]) -> list[SlicePrefix]:
    return [
        SlicePrefix(organization_id=slice.organization_id, slice=slice, prefix=prefix)
        for prefix in sorted(prefixes)
    ]
