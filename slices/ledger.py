"""Appends commits: the one writer of commits, path versions, path heads and slice logs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from gitslice.common.errors import DomainError
from gitslice.common.rows import Columns, fetch_row
from slices.commits import Change, CommitFacts, commit_digest
from slices.locks import folders_of
from slices.models import Commit, Slice

MANY = 5_000  # changes after which the planner's statistics are worth refreshing

APPEND = """
WITH commit AS (
    INSERT INTO slices_commit (organization_id, seq, digest, slice_id, parent_id, author_id, message, landed_at,
                               changeset_number, file_count, merged_paths)
    VALUES (%(organization)s, nextval('slices_commit_order'), %(digest)s, %(slice)s, %(parent)s, %(author)s, %(message)s,
            %(landed_at)s, %(changeset_number)s, %(file_count)s, %(merged_paths)s)
    RETURNING id, seq
), change AS (
    SELECT * FROM unnest(%(path)s::text[], %(op)s::text[], %(old_mode)s::text[], %(old_digest)s::bytea[],
                         %(new_mode)s::text[], %(new_digest)s::bytea[], %(new_size)s::bigint[], %(renamed_from)s::text[])
      AS c(path, op, old_mode, old_digest, new_mode, new_digest, new_size, renamed_from)
), version AS (
    INSERT INTO slices_pathversion (organization_id, seq, path, op, old_mode, old_digest,
                                    new_mode, new_digest, new_size, renamed_from)
    SELECT %(organization)s, commit.seq, change.* FROM change, commit
), head AS (
    INSERT INTO slices_pathhead (organization_id, seq, path, mode, digest, size)
    SELECT %(organization)s, commit.seq, path, new_mode, new_digest, new_size FROM change, commit
    ON CONFLICT (organization_id, path) DO UPDATE
       SET seq = excluded.seq, mode = excluded.mode, digest = excluded.digest, size = excluded.size
), log AS (
    INSERT INTO slices_slicelog (slice_id, seq) SELECT unnest(%(slices)s::bigint[]), commit.seq FROM commit
), moved AS (
    UPDATE slices_slice SET head_id = commit.id FROM commit WHERE slices_slice.id = ANY(%(slices)s::bigint[])
)
SELECT id, seq FROM commit
"""
COMMIT = Columns(Commit, "commit")
HEAD_UNDER_LOCK = f"SELECT {COMMIT.sql} FROM slices_commit commit WHERE id = %s"

STANDING = """
SELECT path, NULL FROM slices_pathhead
 WHERE organization_id = %(organization)s AND path = ANY(%(folders)s) AND mode IS NOT NULL AND path <> ALL(%(removed)s)
UNION ALL
SELECT below.path, added.path FROM unnest(%(added)s::text[]) AS added(path) CROSS JOIN LATERAL (
    SELECT path FROM slices_pathhead
     WHERE organization_id = %(organization)s AND path > added.path || '/' COLLATE "C"
       AND path < added.path || '0' COLLATE "C" AND mode IS NOT NULL AND path <> ALL(%(removed)s)
     ORDER BY path LIMIT 1) below
"""


class FileFolderCollision(DomainError):
    """A path would be a file and a folder at once. `paths` maps each added path to what stands in its way."""

    code = "merge_conflict"

    def __init__(self, paths: Mapping[str, str]) -> None:
        added, standing = next(iter(paths.items()))
        super().__init__(f"{added} cannot be added: {standing} stands there", paths=dict(paths))
        self.paths = dict(paths)


def append_commit(
    *,
    authoring: Slice,
    covering: Collection[int],
    author_id: int,
    message: str,
    changeset_number: int | None,
    changes: Sequence[Change],
    merged_paths: Sequence[str] = (),
) -> Commit:
    """Write one commit. The caller holds the locks of `authoring`, of all `covering` slices (ids of those that cover a
    changed path, root left out), and of the added paths, and has checked that heads equal each change's `old`.

    Cost: O(changes), whatever the size of the tree.
    """
    parent = _parent_of(authoring)
    now = timezone.now()
    landed_at = (
        max(now, parent.landed_at) if parent else now
    )  # a clock that steps back must not reorder a log
    facts = CommitFacts(
        parent=bytes(parent.digest) if parent else None,
        slice_id=authoring.pk,
        author_id=author_id,
        landed_at=landed_at,
        changeset_number=changeset_number,
        message=message,
        changes=tuple(changes),
    )
    commit = Commit(
        organization_id=authoring.organization_id,
        digest=commit_digest(facts),
        slice=authoring,
        parent=parent,
        author_id=author_id,
        message=message,
        landed_at=landed_at,
        changeset_number=changeset_number,
        file_count=len(changes),
        merged_paths=list(merged_paths),
    )
    _append(commit, covering, changes)
    return commit


def file_folder_collisions(
    organization_id: int, added: Collection[str], removed: Collection[str]
) -> dict[str, str]:
    """Added paths that would stand inside a file, or where a folder is: path -> what stands in the way.

    `removed` are paths that the same commit deletes.
    """
    if not added:
        return {}
    parameters: dict[str, Any] = {
        "organization": organization_id,
        "folders": list(folders_of(added)),
        "added": list(added),
        "removed": list(removed),
    }
    with connection.cursor() as cursor:
        cursor.execute(STANDING, parameters)
        standing = cursor.fetchall()
    collisions = {path: below for below, path in standing if path is not None}
    files = {file for file, path in standing if path is None}
    for path in added if files else ():
        for folder in folders_of([path]) & files:
            collisions[path] = folder
    return collisions


def _parent_of(authoring: Slice) -> Commit | None:
    """The head that the authoring slice has under our lock; for root, which has none, the last it authored."""
    if not authoring.is_root:
        row = fetch_row(HEAD_UNDER_LOCK, [authoring.head_id]) if authoring.head_id else None
        return COMMIT.take(iter(row)) if row else None
    return Commit.objects.filter(slice=authoring).order_by("-seq").first()


def _append(commit: Commit, covering: Collection[int], changes: Sequence[Change]) -> None:
    """Write everything in one statement; its number is allocated in it, so under the caller's locks."""
    parameters: dict[str, Any] = {
        "organization": commit.organization_id,
        "digest": commit.digest,
        "slice": commit.slice_id,
        "parent": commit.parent_id,
        "author": commit.author_id,
        "message": commit.message,
        "landed_at": commit.landed_at,
        "changeset_number": commit.changeset_number,
        "file_count": commit.file_count,
        "merged_paths": Jsonb(commit.merged_paths),
        "slices": sorted(covering),
        "path": [change.path for change in changes],
        "op": [change.op for change in changes],
        "old_mode": [change.old and change.old.mode for change in changes],
        "old_digest": [change.old and change.old.digest for change in changes],
        "new_mode": [change.new and change.new.mode for change in changes],
        "new_digest": [change.new and change.new.digest for change in changes],
        "new_size": [change.new.size if change.new else None for change in changes],
        "renamed_from": [change.renamed_from for change in changes],
    }
    with connection.cursor() as cursor:
        cursor.execute(APPEND, parameters)
        commit.pk, commit.seq = cursor.fetchone()
    if len(changes) >= MANY:
        transaction.on_commit(_refresh_statistics)


def _refresh_statistics() -> None:
    """After many rows the planner must not go by what it knew before; autovacuum comes up to a minute later."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE slices_pathhead, slices_pathversion, objects_blob, changesets_edit")
