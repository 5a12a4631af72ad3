"""Blobs whose bytes are lost, found again in another pack: verified by digest, and written into a new one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import BinaryIO, NamedTuple, cast

from django.conf import settings
from django.db import connection, transaction

from gitslice.objects.models import Pack
from gitslice.objects.naming import own_names, share_names_and_object
from gitslice.objects.packstream import Chunks
from gitslice.objects.services import Copied, insert_pack, verified
from gitslice.objects.store import ObjectMissing, object_name, object_store
from gitslice_core.packs import WHOLE_BYTES, Blob, PackError, PackReader, PackWriter

PLACE = """
INSERT INTO objects_blob (organization_id, pack_id, digest, git_id, size, "offset", length)
SELECT %s, %s, * FROM unnest(%s::bytea[], %s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[])
    ON CONFLICT (organization_id, digest) DO UPDATE
   SET pack_id = excluded.pack_id, git_id = excluded.git_id, size = excluded.size, "offset" = excluded."offset",
       length = excluded.length
"""


class Source(NamedTuple):
    """A pack that may hold what is lost."""

    name: str
    read: Callable[[], Iterator[bytes]]


def stored_sources(organization_id: int) -> Iterator[Source]:
    """All packs in the object store, whether rows name them or not: a blob that came twice lies in two."""
    store = object_store()
    for name, size in store.sizes(f"{organization_id}/"):
        yield Source(name, lambda name=name, size=size: store.read_ranges(name, [(0, size)]))  # type: ignore[misc]


def salvage(
    organization_id: int, wanted: Collection[bytes], sources: Iterable[Source], uploader_id: int
) -> set[bytes]:
    """Put the wanted blobs that the sources hold intact into new packs; gives the digests of those that were found."""
    missing = set(wanted)
    for source in sources:
        if not missing:
            break
        missing -= _salvage_from(organization_id, missing, source, uploader_id)
    return set(wanted) - missing


def mend_dictionary(pack: Pack) -> None:
    """Let the row say where the pack's dictionary is."""
    store = object_store()
    name = object_name(pack.organization_id, bytes(pack.digest))
    reader = PackReader(Chunks(store.read_ranges(name, [(0, pack.size)])))
    next(iter(reader))
    span = reader.dictionary_span or (None, None)
    Pack.objects.filter(pk=pack.pk).update(dictionary_offset=span[0], dictionary_length=span[1])


def _salvage_from(organization_id: int, wanted: set[bytes], source: Source, uploader_id: int) -> set[bytes]:
    """A damaged blob makes a record that cannot be kept: then those before it are tried without it."""
    refused: set[bytes] = set()
    store = object_store()
    while True:
        with store.spool() as spooled:
            copier = _Copier(spooled, wanted - refused)
            damaged = copier.copy_from(source)
            if damaged is None:
                if copier.found:
                    _place(organization_id, spooled, uploader_id)
                return copier.found
            refused.add(damaged)


class _Copier:
    """Writes the wanted blobs of one source into a pack."""

    def __init__(self, target: BinaryIO, wanted: set[bytes]) -> None:
        self._writer = PackWriter(target)
        self._wanted = wanted
        self.found: set[bytes] = set()

    def copy_from(self, source: Source) -> bytes | None:
        """Gives the digest of a blob that turned out to be damaged when a part of it was written; None if all is well."""
        reader = PackReader(Chunks(source.read()), max_blob_bytes=settings.GITSLICE_MAX_BLOB_BYTES)
        try:
            for blob in reader:
                if blob.digest in self._wanted - self.found and not self._copied(reader, blob):
                    return blob.digest
        except (PackError, ObjectMissing):
            pass  # what follows in this source cannot be read
        self._writer.finish()
        return None

    def _copied(self, reader: PackReader, blob: Blob) -> bool:
        try:
            if blob.size <= WHOLE_BYTES:
                self._writer.add(reader.content(blob))
            else:
                self._writer.add_stream(cast(BinaryIO, Chunks(reader.chunks(blob))), blob.size)
        except PackError:
            return blob.size <= WHOLE_BYTES  # nothing of a small one was written
        self.found.add(blob.digest)
        return True


def _place(organization_id: int, spooled: BinaryIO, uploader_id: int) -> None:
    """Keep the pack, and let the index name it for all its blobs."""
    store = object_store()
    spooled.flush()
    spooled.seek(0)
    copied = Copied(spooled, None, settings.GITSLICE_MAX_PACK_BYTES)
    blobs, dictionary = verified(copied)
    digest = copied.hash.digest()
    store.put_pack(object_name(organization_id, digest), spooled)
    with transaction.atomic():
        own_names(organization_id)
        share_names_and_object(organization_id, digest)
        pack = insert_pack(organization_id, digest, copied.size, len(blobs), dictionary, uploader_id)
        columns = [list(column) for column in zip(*blobs, strict=True)]
        with connection.cursor() as cursor:
            cursor.execute(PLACE, [organization_id, pack.pk, *columns])  # type: ignore[list-item]
