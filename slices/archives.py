"""A slice, or a folder of it, at a commit as one file to download."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import chain
from typing import NamedTuple

from django.db import connection

from gitslice.common.errors import InvalidRequest
from gitslice.objects.services import open_blob, read_blobs
from gitslice_core.archives import Item, gzip_chunks, tar_chunks, zip_chunks
from slices.entries import Entry
from slices.errors import PathNotFound
from slices.models import Commit, Slice
from slices.patterns import definition_of
from slices.redactions import as_shown
from slices.snapshots import entries_of

TAR, ZIP = "tar.gz", "zip"
CONTENT_TYPES = {TAR: "application/gzip", ZIP: "application/zip"}
PAGE = 2000  # entries that are looked up together
BATCH_BYTES = 8 << 20  # of contents that are held together; a larger one is passed through piece by piece
NAMED_DIGITS = 12

ENTRIES = """
SELECT path, mode, digest, size FROM ({entries}) entry
 WHERE path > %s COLLATE "C" AND {within} ORDER BY path LIMIT %s
"""
WITHIN = '(path = %s COLLATE "C" OR (path >= %s COLLATE "C" AND path < %s COLLATE "C"))'


class Archive(NamedTuple):
    """`name` is that of the file; `etag` changes with what is in it."""

    name: str
    content_type: str
    etag: str
    chunks: Iterator[bytes]


def archive(slice: Slice, commit: Commit, path: str = "", format: str = TAR) -> Archive:
    """All that stands in the slice at the commit, or only at and below `path`, in the order of the paths' bytes, in one
    folder that is named after both. All files have the commit's time. Raises InvalidRequest, PathNotFound.

    Memory: BATCH_BYTES, and for a zip its table of contents, whatever the size of the slice.
    """
    if format not in CONTENT_TYPES:
        raise InvalidRequest(f"format is {TAR} or {ZIP}, not {format[:20]!r}")
    entries = _entries(slice, commit, path)
    first = next(entries, None)
    if first is None:
        raise PathNotFound(
            f"{slice} has no folder {path}" if path else f"{slice} has no files there", path=path
        )
    folder = f"{slice.name}-{commit.state_name[:NAMED_DIGITS]}"
    items = _items(slice, folder, chain([first], entries))
    seconds = int((commit.by_way_of.merged_at if commit.by_way_of else commit.landed_at).timestamp())
    chunks = gzip_chunks(tar_chunks(items, seconds)) if format == TAR else zip_chunks(items, seconds)
    name = f"{folder}-{path.rpartition('/')[2]}" if path else folder
    return Archive(f"{name}.{format}", CONTENT_TYPES[format], _etag(slice, commit, path, format), chunks)


def _etag(slice: Slice, commit: Commit, path: str, format: str) -> str:
    facts = (slice.name, commit.state_name, bytes(definition_of(slice).digest).hex(), path, format)
    return f'"archive-{sha256(chr(0).join(facts).encode()).hexdigest()[:32]}"'


def _items(slice: Slice, folder: str, entries: Iterable[tuple[str, Entry]]) -> Iterator[Item]:
    for batch in _batches(entries):
        if batch[0][1].size > BATCH_BYTES:
            contents = {}
        else:
            contents = read_blobs(slice.organization_id, {entry.digest for _, entry in batch})
        for path, entry in batch:
            content = contents.get(entry.digest)
            chunks = open_blob(slice.organization_id, entry.digest) if content is None else [content]
            yield Item(f"{folder}/{path}", entry.mode, entry.size, chunks)


def _batches(entries: Iterable[tuple[str, Entry]]) -> Iterator[list[tuple[str, Entry]]]:
    """Neighbours that together have at most BATCH_BYTES and PAGE entries; a larger one is alone."""
    batch: list[tuple[str, Entry]] = []
    size = 0
    for path, entry in entries:
        if batch and (size + entry.size > BATCH_BYTES or len(batch) == PAGE):
            yield batch
            batch, size = [], 0
        batch.append((path, entry))
        size += entry.size
    if batch:
        yield batch


def _entries(slice: Slice, commit: Commit, path: str) -> Iterator[tuple[str, Entry]]:
    """Page by page, so that nothing waits in the database for who downloads slowly. Whenever a page is asked for, it is
    that of the same moment."""
    query = as_shown(slice.organization_id, entries_of(slice, commit))
    within, values = (WITHIN, [path, f"{path}/", f"{path}0"]) if path else ("TRUE", [])
    sql = ENTRIES.format(entries=query.sql, within=within)
    after = ""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(sql, [*query.parameters, after, *values, PAGE])
            rows = cursor.fetchall()
        for after, mode, digest, size in rows:
            yield after, Entry(mode, bytes(digest), size)
        if len(rows) < PAGE:
            return
