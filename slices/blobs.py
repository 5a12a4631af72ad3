"""Blobs by way of a slice: a digest is not a permission, a path of a slice that one may read is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import connection, transaction

from gitslice.objects.services import open_blob, stream_pack, stream_selected
from slices.entries import Entry, entries_at
from slices.errors import PathNotFound
from slices.history import Reader, settled_commit
from slices.models import Commit, Slice
from slices.patterns import patterns_of
from slices.redactions import as_shown, shown_digests
from slices.snapshots import entries_of

SHOWN_PATHS = 100
NUL = "\0"  # the database takes none in a text


def all_blobs(slice: Slice, text: str, reader: Reader) -> Iterator[bytes]:
    """The pack stream of everything in the slice at the commit that `text` names; digests stay in the database."""
    commit = settled_commit(slice, text, reader)
    if commit is None:
        return stream_pack(slice.organization_id, [])
    entries = entries_of(slice, commit)
    entries = as_shown(slice.organization_id, entries)
    select = f"SELECT entry.digest FROM ({entries.sql}) entry"
    return _unhurried(stream_selected(slice.organization_id, select, entries.parameters))


def blobs_at(slice: Slice, text: str, paths: Sequence[str], reader: Reader) -> Iterator[bytes]:
    """The pack stream of the blobs at these paths. Raises PathNotFound if one does not stand in the slice there."""
    entries = find_entries(slice, text, paths, reader)
    digests = {entry.digest for entry in entries.values()}
    return stream_pack(slice.organization_id, shown_digests(slice.organization_id, digests))


def find_entries(slice: Slice, text: str, paths: Sequence[str], reader: Reader) -> dict[str, Entry]:
    """The entries at all these paths of the slice at the commit that `text` names. Raises PathNotFound."""
    return standing_entries(slice, settled_commit(slice, text, reader), paths)


def standing_entries(slice: Slice, commit: Commit | None, paths: Sequence[str]) -> dict[str, Entry]:
    """As `find_entries`, at a commit that was found already; None: nothing had landed."""
    covered = patterns_of(slice).covered(path for path in paths if NUL not in path)
    entries = entries_at(slice.organization_id, covered, commit.moment) if commit and covered else {}
    missing = [path for path in paths if path not in entries]
    if missing:
        raise PathNotFound(f"{slice} has no file {missing[0][:500]}", paths=missing[:SHOWN_PATHS])
    return entries


def open_file(slice: Slice, entry: Entry) -> Iterator[bytes]:
    """The content of an entry of the slice, in chunks."""
    return open_blob(slice.organization_id, entry.digest)


def _unhurried(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The stream reads from the database for as long as the client takes."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
        yield from chunks
