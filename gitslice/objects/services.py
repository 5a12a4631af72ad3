"""Blobs in and out. Objects are written before any row names them; rows never point at what is not there."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from django.conf import settings
from django.db import connection, transaction

from gitslice.common.errors import DomainError, PayloadTooLarge, ServerBusy
from gitslice.common.rows import Columns, fetch_row
from gitslice.objects.models import Pack
from gitslice.objects.naming import share_names, share_names_and_object
from gitslice.objects.packstream import git_id_of
from gitslice.objects.reading import (
    BlobMissing,
    Redacted,
    open_blob,
    read_blobs,
    stream_pack,
    stream_selected,
)
from gitslice.objects.store import ObjectStore, object_name, object_store
from gitslice_core.packs import (
    CHUNK,
    WHOLE_BYTES,
    PackError,
    PackReader,
    PackWriter,
    train,
)

__all__ = [
    "BlobMissing",
    "InvalidPack",
    "Redacted",
    "StoredPack",
    "open_blob",
    "put_blobs",
    "put_files",
    "read_blobs",
    "store_pack",
    "stream_pack",
    "stream_selected",
    "uploaded_sizes",
]


PACK = Columns(Pack, "pack")
PACK_ROW = f"""
WITH kept AS (DELETE FROM objects_packremoval WHERE organization_id = %s AND digest = %s)
INSERT INTO objects_pack AS pack (organization_id, digest, size, blob_count, dictionary_offset, dictionary_length,
                                  uploaded_by_id, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, clock_timestamp())
ON CONFLICT (organization_id, digest) DO UPDATE SET size = excluded.size, fresh_at = excluded.created_at
RETURNING {PACK.sql}
"""


REFUSED = "SELECT digest FROM objects_redaction WHERE organization_id = %s AND digest = ANY(%s) LIMIT 1"


class InvalidPack(DomainError):
    code = "invalid_pack"


class RedactedUpload(Redacted):
    """It is not gone, it is refused."""

    status = 409


@dataclass(frozen=True)
class StoredPack:
    pack: Pack
    blob_count: int
    size: int


class IndexedBlob(NamedTuple):
    """A verified blob of a pack, as the index keeps it."""

    digest: bytes
    git_id: bytes
    size: int
    offset: int
    length: int


def anything(size: int) -> None:
    """Admits packs of any size."""


def store_pack(
    *, user: Any, organization: Any, stream: BinaryIO, admit: Callable[[int], None] = anything
) -> StoredPack:
    """Verify and keep an uploaded pack. Raises InvalidPack, ServerBusy when the store is full, and what `admit` raises:
    it is told the bytes of the pack before anything of it is kept.

    The answer is the same whether its blobs were known before or not: a digest is not a permission.
    """
    store = object_store()
    with store.spool() as spooled:
        copied = Copied(stream, spooled, settings.GITSLICE_MAX_PACK_BYTES)
        try:
            blobs, dictionary = verified(copied)
        except PackError as error:
            raise InvalidPack(f"the pack is not valid: {error}") from None
        admit(copied.size)
        return _keep(store, spooled, copied, blobs, dictionary, user, organization)


def put_blobs(
    *, user: Any, organization: Any, contents: Sequence[bytes], admit: Callable[[int], None] = anything
) -> list[tuple[bytes, int]]:
    """Store contents as one pack; gives (digest, size) of each, in order. `admit` as in `store_pack`."""
    with object_store().spool() as spooled:
        writer = PackWriter(spooled, train(contents))
        entries = [(writer.add(content), len(content)) for content in contents]
        _keep_written(spooled, writer, user, organization, admit)
    return entries


def put_files(
    *,
    user: Any,
    organization: Any,
    files: Sequence[tuple[BinaryIO, int]],
    admit: Callable[[int], None] = anything,
) -> list[tuple[bytes, int]]:
    """As `put_blobs`, of open files with their sizes in bytes; big ones are copied piece by piece. Raises
    PayloadTooLarge."""
    limit = settings.GITSLICE_MAX_BLOB_BYTES
    if any(size > limit for _, size in files):
        raise PayloadTooLarge(f"a file is larger than {limit} bytes", limit=limit)
    with object_store().spool() as spooled:
        writer = PackWriter(spooled)
        entries = [
            (writer.add(file.read(size)) if size <= WHOLE_BYTES else writer.add_stream(file, size), size)
            for file, size in files
        ]
        _keep_written(spooled, writer, user, organization, admit)
    return entries


def _keep_written(
    spooled: BinaryIO, writer: PackWriter, user: Any, organization: Any, admit: Callable[[int], None]
) -> None:
    writer.finish()
    spooled.seek(0)
    hashed = Copied(spooled, None, settings.GITSLICE_MAX_PACK_BYTES)
    blobs, span = verified(hashed)
    admit(hashed.size)
    _keep(object_store(), spooled, hashed, blobs, span, user, organization)


def uploaded_sizes(user_id: int, organization_id: int, digests: Collection[bytes]) -> dict[bytes, int]:
    """Sizes of those blobs that this user has uploaded. They stay until the caller's transaction ends, which may name them."""
    share_names(organization_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT b.digest, b.size FROM objects_blob b JOIN objects_pack p ON p.id = b.pack_id"
            " WHERE b.organization_id = %s AND b.digest = ANY(%s) AND (p.uploaded_by_id = %s OR EXISTS"
            " (SELECT FROM objects_blobclaim c WHERE c.blob_id = b.id AND c.user_id = %s))",
            [organization_id, list(digests), user_id, user_id],
        )
        return {bytes(digest): size for digest, size in cursor}


def verified(stream: Any) -> tuple[list[IndexedBlob], tuple[int, int] | None]:
    """Read a whole pack and check every blob; a stored pack has at most one dictionary, at its start."""
    reader = PackReader(
        stream,
        max_blob_bytes=settings.GITSLICE_MAX_BLOB_BYTES,
        max_blobs=settings.GITSLICE_MAX_PACK_BLOBS,
    )
    blobs: list[IndexedBlob] = []
    dictionary = None
    for blob in reader:
        if not blobs:
            dictionary = reader.dictionary_span
        elif reader.dictionary_span != dictionary:
            raise PackError("it has a dictionary after its first blob")
        blobs.append(IndexedBlob(blob.digest, git_id_of(reader, blob), blob.size, blob.offset, blob.length))
    if not blobs:
        raise PackError("it has no blobs")
    return blobs, dictionary


def _keep(
    store: ObjectStore,
    spooled: BinaryIO,
    copied: Copied,
    blobs: list[IndexedBlob],
    dictionary: tuple[int, int] | None,
    user: Any,
    organization: Any,
) -> StoredPack:
    digest = copied.hash.digest()
    name = object_name(organization.pk, digest)
    store.put_pack(name, spooled)
    with transaction.atomic():
        share_names_and_object(organization.pk, digest)
        try:
            _refuse_redacted(organization.pk, blobs)
        except RedactedUpload:
            store.delete(name)  # no row can name it
            raise
        if not store.exists(name):  # the same pack was on its way out, and has been deleted since
            store.put_pack(name, spooled)
        pack = insert_pack(organization.pk, digest, copied.size, len(blobs), dictionary, user.pk)
        _index(pack, blobs, user)
    return StoredPack(pack, len(blobs), copied.size)


def _refuse_redacted(organization_id: int, blobs: list[IndexedBlob]) -> None:
    row = fetch_row(REFUSED, [organization_id, [blob.digest for blob in blobs]])
    if row:
        raise RedactedUpload(f"the content {bytes(row[0]).hex()} was redacted", digest=bytes(row[0]).hex())


def insert_pack(
    organization_id: int,
    digest: bytes,
    size: int,
    count: int,
    dictionary: tuple[int, int] | None,
    user_id: int,
) -> Pack:
    """The row of the pack; the one there is, fresh again, if the same pack came before. For who shares its object."""
    offset, length = dictionary or (None, None)
    key: tuple[int, bytes] = (organization_id, digest)
    with connection.cursor() as cursor:
        cursor.execute(PACK_ROW, [*key, *key, size, count, offset, length, user_id])
        return PACK.take(iter(cursor.fetchone()))


def _index(pack: Pack, blobs: list[IndexedBlob], user: Any) -> None:
    """Write the index rows, in digest order so that two uploads never wait for each other in a circle; blobs that
    another pack holds already are claimed for this user, which makes them fresh again."""
    columns = list(zip(*sorted(set(blobs)), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO objects_blob (organization_id, pack_id, digest, git_id, size, "offset", length)'
            " SELECT %s, %s, * FROM unnest(%s::bytea[], %s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[])"
            " ON CONFLICT (organization_id, digest) DO NOTHING",
            [pack.organization_id, pack.pk, *map(list, columns)],
        )
        if cursor.rowcount < len(set(columns[0])):
            cursor.execute(
                "INSERT INTO objects_blobclaim (user_id, blob_id, created_at)"
                " SELECT %s, b.id, clock_timestamp() FROM objects_blob b JOIN objects_pack p ON p.id = b.pack_id"
                " WHERE b.organization_id = %s AND b.digest = ANY(%s) AND (p.uploaded_by_id <> %s OR p.id <> %s)"
                " ORDER BY b.id ON CONFLICT (user_id, blob_id) DO UPDATE SET created_at = excluded.created_at",
                [user.pk, pack.organization_id, list(columns[0]), user.pk, pack.pk],
            )


class Copied:
    """A stream that is hashed and copied as it is read."""

    def __init__(self, stream: BinaryIO, target: BinaryIO | None, limit: int) -> None:
        self._stream, self._target, self._limit = stream, target, limit
        self.hash = hashlib.sha256()
        self.size = 0
        self._buffer = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        end = self._at + size
        if end <= len(self._buffer):
            data = self._buffer[self._at : end]
            self._at = end
            return data
        parts = [self._buffer[self._at :]]
        have = len(parts[0])
        self._buffer, self._at = b"", 0
        while have < size:
            chunk = self._fetch()
            if not chunk:
                return b"".join(parts)
            parts.append(chunk)
            have += len(chunk)
        data = b"".join(parts)
        self._buffer = data[size:]
        return data[:size]

    def _fetch(self) -> bytes:
        chunk = self._stream.read(CHUNK)
        self.size += len(chunk)
        if self.size > self._limit:
            raise PackError(f"it is larger than {self._limit} bytes")
        self.hash.update(chunk)
        if self._target is not None and chunk:
            try:
                self._target.write(chunk)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise ServerBusy("the object store is full", hint="tell an administrator") from None
                raise
        return chunk
