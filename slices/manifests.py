"""Manifests: path -> entry of a slice at a commit, streamed as text; and the delta between two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from psycopg import ClientCursor

from accounts.models import User
from slices.history import HEAD, commits_of, standing_at
from slices.models import Commit, Slice
from slices.patterns import definition_of
from slices.redactions import as_shown
from slices.snapshots import Query, changes_query, entries_of

CHUNK = 64 << 10
CLOCK_SKEW = timedelta(minutes=10)  # between servers that write definitions and commits

# Delimiter, quote and escape are characters that no line holds, so COPY writes every line as it is.
COPY = "COPY ({query}) TO STDOUT (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02', ESCAPE E'\\x02')"
ENTRY = "mode || ' ' || encode(digest, 'hex') || ' ' || size || ' ' || path"


@dataclass(frozen=True)
class Manifest:
    """What a manifest request is answered with. With `since` the lines are a delta on that commit's manifest."""

    slice: Slice
    commit: Commit | None
    since: Commit | None = None

    @property
    def etag(self) -> str:
        """Strong: it names everything that the lines depend on."""
        parts = [bytes(definition_of(self.slice).digest).hex(), _name(self.commit)]
        return f'"{"-".join([*parts, _name(self.since)] if self.since else parts)}"'

    def lines(self) -> Iterator[bytes]:
        """Chunks of whole lines, sorted by path bytes. Holds the thread's connection until exhausted or closed."""
        if self.commit is None:
            return iter(())
        if self.since is not None:
            return copied(_delta_lines(self.slice, self.since, self.commit))
        return copied(_entry_lines(self.slice, self.commit))


def find_manifest(
    slice: Slice, reader: User | AnonymousUser, commit: str | None, since: str | None, definition: str | None
) -> Manifest:
    """The manifest at `commit` (default the head; any commit that the reader sees), as a delta when the client's
    manifest at `since` had the same definition. Raises CommitNotFound, AmbiguousCommit."""
    wanted = standing_at(slice, commit or HEAD, reader)
    base = _known(slice, since) if since and wanted else None
    if base is None or not _same_definition(slice, base, definition):
        return Manifest(slice, wanted)
    return Manifest(slice, wanted, base)


def copied(query: Query) -> Iterator[bytes]:
    """The one text column of the query, a line a row, in chunks. The statement may take as long as the client does."""
    with transaction.atomic(), connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.execute("SET LOCAL statement_timeout = 0")
        binder = ClientCursor(connection.connection)  # COPY takes no parameters: they are bound here
        with cursor.copy(binder.mogrify(COPY.format(query=query.sql), query.parameters)) as copy:
            rows: list[bytes] = []
            size = 0
            while row := copy.read():
                rows.append(bytes(row))
                size += len(row)
                if size >= CHUNK:
                    yield b"".join(rows)
                    rows, size = [], 0
            if rows:
                yield b"".join(rows)


def _entry_lines(slice: Slice, commit: Commit) -> Query:
    entries = as_shown(slice.organization_id, entries_of(slice, commit))
    return Query(f"SELECT {ENTRY} FROM ({entries.sql}) entry ORDER BY path", entries.parameters)


def _delta_lines(slice: Slice, since: Commit, commit: Commit) -> Query:
    changes = as_shown(slice.organization_id, changes_query(slice, since.moment, commit.moment))
    line = f"CASE WHEN mode IS NULL THEN 'D - - ' || path ELSE {ENTRY} END"
    return Query(f"SELECT {line} FROM ({changes.sql}) change ORDER BY path", changes.parameters)


def _known(slice: Slice, digest: str) -> Commit | None:
    """`since` comes from a client's own records: a full id, or nothing we know."""
    try:
        return commits_of(slice).filter(digest=bytes.fromhex(digest)).first()
    except ValueError:
        return None


def _same_definition(slice: Slice, since: Commit, definition: str | None) -> bool:
    """Did the client's manifest at `since` have the present definition? It may tell; else the times do, when they are
    far enough apart."""
    current = definition_of(slice)
    if definition is not None:
        return definition == bytes(current.digest).hex()
    return current.version == 1 or since.landed_at > current.created_at + CLOCK_SKEW


def _name(commit: Commit | None) -> str:
    return commit.state_name if commit else "none"
