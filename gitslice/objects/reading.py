"""Blobs out of the store: into memory, in chunks, or as a download stream."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, BinaryIO, NamedTuple, cast

import zstandard
from django.db import connection
from psycopg import ClientCursor

from gitslice.common.errors import DomainError
from gitslice.common.rows import fetch_rows
from gitslice.objects.store import object_name, object_store
from gitslice_core.packs import CHUNK, MAGIC, blob_record, decompressor_for, dictionary_record, end_record

PLACEHOLDER = b"This content was redacted by an administrator of the server.\n"
RUN = 5000  # blobs that are read together

# The digests are made distinct first, so that each is looked up once in the index, whatever the planner guesses.
SELECTED = (
    "WITH wanted AS MATERIALIZED (SELECT DISTINCT digest FROM ({select}) AS named(digest))"
    ' SELECT b.digest, b.size, b."offset", b.length, p.id, p.digest, p.dictionary_offset, p.dictionary_length'
    " FROM wanted JOIN objects_blob b ON b.organization_id = %s AND b.digest = wanted.digest"
    ' JOIN objects_pack p ON p.id = b.pack_id ORDER BY b.pack_id, b."offset"'
)
COLUMNS = ["bytea", "int8", "int8", "int8", "int8", "bytea", "int8", "int4"]


class Redacted(DomainError):
    """A content that was taken out of all history."""

    code = "redacted"
    hint = "an administrator of the server took this content out of the history"


class BlobMissing(DomainError):
    """An index row without its bytes: damage, which fsck names."""

    code = "internal"


def read_blobs(organization_id: int, digests: Collection[bytes]) -> dict[bytes, bytes]:
    """Contents of blobs that are small enough to be held in memory all together; of redacted ones that of the placeholder.
    Raises BlobMissing."""
    contents: dict[bytes, bytes] = {}
    for run in _runs(_listed(organization_id, digests)):
        expand = _decompressor(run[0].pack)
        for blob, frame in zip(run, _frames(_bytes_of(run), run), strict=True):
            contents[blob.digest] = expand.decompress(frame)
    missing = set(digests) - contents.keys()
    if missing:
        contents |= dict.fromkeys(_redacted(organization_id, missing), PLACEHOLDER)
        missing -= contents.keys()
    if missing:
        raise BlobMissing(f"the blob {next(iter(missing)).hex()} is missing")
    return contents


def open_blob(organization_id: int, digest: bytes) -> Iterator[bytes]:
    """One blob's content in chunks, whatever its size. Raises Redacted, BlobMissing, before the first."""
    run = next(_runs(_listed(organization_id, [digest])), None)
    if run is not None:
        return _expanded(run)
    if _redacted(organization_id, [digest]):
        raise Redacted(f"the content {digest.hex()} was redacted", digest=digest.hex())
    raise BlobMissing(f"the blob {digest.hex()} is missing")


def _expanded(run: list[Placed]) -> Iterator[bytes]:
    source = cast(BinaryIO, _Joined(_bytes_of(run)))
    reader = _decompressor(run[0].pack).stream_reader(source, read_size=CHUNK)
    while chunk := reader.read(CHUNK):
        yield chunk


def _redacted(organization_id: int, digests: Collection[bytes]) -> set[bytes]:
    sql = "SELECT digest FROM objects_redaction WHERE organization_id = %s AND digest = ANY(%s)"
    return {bytes(digest) for (digest,) in fetch_rows(sql, [organization_id, list(digests)])}


def stream_pack(organization_id: int, digests: Collection[bytes]) -> Iterator[bytes]:
    """The download stream of these blobs, in chunks."""
    return _streamed(_listed(organization_id, digests))


def stream_selected(organization_id: int, select: str, parameters: Sequence[Any]) -> Iterator[bytes]:
    """The download stream of the blobs whose digests the query `select` gives; duplicates are sent once."""
    return _streamed(_selected(select, parameters, organization_id))


def _streamed(blobs: Iterator[Placed]) -> Iterator[bytes]:
    """Frames are copied as they are stored, in the order of storage; a dictionary precedes those made with it."""
    yield MAGIC
    count = 0
    pack: PlacedPack | None = None
    for run in _runs(blobs):
        if run[0].pack != pack:
            pack = run[0].pack
            yield dictionary_record(_dictionary_frame(pack))
        yield from interleaved(_bytes_of(run), run)
        count += len(run)
    yield end_record(count)


class Placed(NamedTuple):
    """A blob, where it lies, and the facts of its pack."""

    digest: bytes
    size: int
    offset: int
    length: int
    pack: PlacedPack


class PlacedPack(NamedTuple):
    name: str  # of the stored object
    dictionary: tuple[int, int] | None  # offset and length in it


def _listed(organization_id: int, digests: Collection[bytes]) -> Iterator[Placed]:
    with connection.cursor() as cursor:
        sql = SELECTED.format(select="SELECT unnest(%s::bytea[])")
        cursor.execute(sql, [list(digests), organization_id])
        yield from _placed(organization_id, cursor)


def _selected(select: str, parameters: Sequence[Any], organization_id: int) -> Iterator[Placed]:
    """Copied row by row, so that nobody holds them all. (A cursor would be planned for its first rows, not for all.)"""
    with connection.cursor() as cursor:
        binder = ClientCursor(connection.connection)  # COPY takes no parameters: they are bound here
        sql = binder.mogrify(SELECTED.format(select=select), [*parameters, organization_id])
        with cursor.copy(f"COPY ({sql}) TO STDOUT (FORMAT BINARY)") as copy:
            copy.set_types(COLUMNS)
            yield from _placed(organization_id, copy.rows())


def _placed(organization_id: int, rows: Iterable[Any]) -> Iterator[Placed]:
    packs: dict[int, PlacedPack] = {}
    for digest, size, offset, length, pack_id, pack_digest, dictionary_offset, dictionary_length in rows:
        pack = packs.get(pack_id)
        if pack is None:
            span = (dictionary_offset, dictionary_length) if dictionary_length else None
            pack = packs[pack_id] = PlacedPack(object_name(organization_id, pack_digest), span)
        yield Placed(bytes(digest), size, offset, length, pack)


def _runs(blobs: Iterable[Placed]) -> Iterator[list[Placed]]:
    """Blobs of one pack together, at most RUN at a time."""
    run: list[Placed] = []
    for blob in blobs:
        if run and (blob.pack != run[0].pack or len(run) == RUN):
            yield run
            run = []
        run.append(blob)
    if run:
        yield run


def _bytes_of(run: list[Placed]) -> Iterator[bytes]:
    return object_store().read_ranges(run[0].pack.name, [(blob.offset, blob.length) for blob in run])


@lru_cache(maxsize=200)
def _dictionary_frame(pack: PlacedPack) -> bytes:
    """The compressed dictionary of a pack; empty if it has none."""
    return b"".join(object_store().read_ranges(pack.name, [pack.dictionary])) if pack.dictionary else b""


def _decompressor(pack: PlacedPack) -> zstandard.ZstdDecompressor:
    return decompressor_for(_dictionary_frame(pack))


class _Joined:
    """Chunks as a file that is read from start to end."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def read(self, size: int = -1) -> bytes:
        """The next chunk, whatever `size` says; empty at the end."""
        return next(self._chunks, b"")


def _frames(chunks: Iterator[bytes], blobs: Sequence[Placed]) -> Iterator[bytes]:
    """Cut a run's bytes into its frames."""
    buffer = b""
    at = 0
    for blob in blobs:
        while len(buffer) - at < blob.length:
            chunk = next(chunks)
            buffer = buffer[at:] + chunk
            at = 0
        yield buffer[at : at + blob.length]
        at += blob.length


def interleaved(chunks: Iterator[bytes], blobs: Sequence[Placed]) -> Iterator[bytes]:
    """A run's frames with their record heads, gathered into chunks; big frames pass through piece by piece."""
    out: list[bytes] = []
    gathered = 0
    rest = b""
    at = 0
    for blob in blobs:
        out.append(blob_record(blob.digest, blob.size, blob.length))
        needed = blob.length
        while needed:
            if at == len(rest):
                rest, at = next(chunks), 0
            piece = rest[at : at + needed]
            at += len(piece)
            needed -= len(piece)
            out.append(piece)
            gathered += len(piece)
            if gathered >= CHUNK // 4:
                yield b"".join(out)
                out, gathered = [], 0
    if out:
        yield b"".join(out)
