"""Writes the rows of changesets, patchsets and edits. The rules are in services.py and landing.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.utils import timezone
from psycopg.types.json import Jsonb

from accounts.models import User
from changesets.edits import PathEdit, patchset_digest
from changesets.models import Changeset, Patchset
from gitslice.common.rows import Columns, fetch_row
from slices.models import Commit, Slice

# Concurrent creations in an organization wait for each other's number for the rest of this short transaction.
INSERT_CHANGESET = """
WITH counter AS (
    INSERT INTO changesets_changesetcounter AS counter (organization_id, last) VALUES (%(organization)s, 1)
    ON CONFLICT (organization_id) DO UPDATE SET last = counter.last + 1 RETURNING last
)
INSERT INTO changesets_changeset (organization_id, number, slice_id, title, description, author_id, state,
                                  closed_reason, created_at, updated_at)
SELECT %(organization)s, counter.last, %(slice)s, %(title)s, %(description)s, %(author)s, %(state)s, '', %(now)s, %(now)s
  FROM counter
RETURNING id, number
"""
INSERT_PATCHSET = """
WITH made AS (
    INSERT INTO changesets_patchset (changeset_id, number, base_id, author_id, message, origin, decisions, digest,
                                     file_count, created_at)
    VALUES (%(changeset)s, %(number)s, %(base)s, %(author)s, %(message)s, %(origin)s, %(decisions)s, %(digest)s,
            %(file_count)s, %(now)s)
    RETURNING id
)
UPDATE changesets_changeset SET patchset_id = made.id, state = %(state)s, updated_at = %(now)s
  FROM made WHERE changesets_changeset.id = %(changeset)s
RETURNING made.id
"""
COPY_EDITS = (
    "COPY changesets_edit (organization_id, patchset_id, path, op, mode, digest, size,"
    " base_mode, base_digest, base_size, renamed_from) FROM STDIN"
)
CHANGESET = Columns(Changeset, "changeset")
LOCK_CHANGESET = f"SELECT {CHANGESET.sql} FROM changesets_changeset changeset WHERE id = %s FOR NO KEY UPDATE"
MERGED = """
WITH turns AS (DELETE FROM changesets_attention WHERE changeset_id = %(changeset)s)
UPDATE changesets_changeset SET state = %(state)s, commit_id = %(commit)s, updated_at = %(now)s WHERE id = %(changeset)s
"""


def insert_changeset(*, slice: Slice, title: str, description: str, author: User, state: str) -> Changeset:
    """A changeset with the organization's next number, still without a patchset."""
    now = timezone.now()
    changeset = Changeset(
        organization=slice.organization,
        slice=slice,
        title=title,
        description=description,
        author=author,
        state=state,
        created_at=now,
        updated_at=now,
    )
    parameters: dict[str, Any] = {
        "organization": slice.organization_id,
        "slice": slice.pk,
        "title": title,
        "description": description,
        "author": author.pk,
        "state": state,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT_CHANGESET, parameters)
        changeset.pk, changeset.number = cursor.fetchone()
    return changeset


def insert_patchset(
    changeset: Changeset,
    base: Commit | None,
    edits: Sequence[PathEdit],
    *,
    author: User,
    number: int,
    message: str = "",
    origin: str = Patchset.Origin.EDIT,
    decisions: Mapping[str, str] | None = None,
) -> Patchset:
    """A patchset with its edits, the current one of the changeset from now on. What was approved or rejected is in
    review again."""
    now = timezone.now()
    if changeset.state in (Changeset.State.APPROVED, Changeset.State.REJECTED):
        changeset.state = Changeset.State.IN_REVIEW
    patchset = Patchset(
        changeset=changeset,
        number=number,
        base=base,
        author=author,
        message=message,
        origin=origin,
        decisions=dict(decisions or {}),
        digest=patchset_digest(edits),
        file_count=len(edits),
        created_at=now,
    )
    parameters: dict[str, Any] = {
        "changeset": changeset.pk,
        "number": number,
        "base": base.pk if base else None,
        "author": author.pk,
        "message": message,
        "origin": str(origin),
        "decisions": Jsonb(patchset.decisions),
        "digest": patchset.digest,
        "file_count": len(edits),
        "now": now,
        "state": str(changeset.state),
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT_PATCHSET, parameters)
        (patchset.pk,) = cursor.fetchone()
    _copy_edits(changeset.organization_id, patchset.pk, edits)
    patchset.known_edits = tuple(sorted(edits))
    changeset.patchset, changeset.updated_at = patchset, now
    return patchset


def lock_changeset(changeset_id: int) -> Changeset:
    """The row as it is now, locked until the transaction ends; nothing related is loaded."""
    row = fetch_row(LOCK_CHANGESET, [changeset_id])
    assert row is not None, "changesets are never deleted"
    return CHANGESET.take(iter(row))


def mark_merged(changeset: Changeset, commit: Commit) -> None:
    changeset.state, changeset.commit, changeset.updated_at = Changeset.State.MERGED, commit, timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            MERGED,
            {
                "state": str(changeset.state),
                "commit": commit.pk,
                "now": changeset.updated_at,
                "changeset": changeset.pk,
            },
        )


def _copy_edits(organization_id: int, patchset_id: int, edits: Sequence[PathEdit]) -> None:
    nothing = (None, None, None)
    with connection.cursor() as cursor, cursor.copy(COPY_EDITS) as copy:
        copy.set_types(
            ["int8", "int8", "text", "text", "text", "bytea", "int8", "text", "bytea", "int8", "text"]
        )
        for edit in edits:
            new, base = edit.new or nothing, edit.base or nothing
            copy.write_row((organization_id, patchset_id, edit.path, edit.op, *new, *base, edit.renamed_from))
