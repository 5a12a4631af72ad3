"""Packs made of packs: frames are copied as they are, verified as uploads are, and the index is switched in one moment.

Whoever found a blob in an old pack reads on: its object waits in the queue (removing.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import BinaryIO, NamedTuple, cast

from django.conf import settings
from django.db import connection, transaction

from gitslice.objects.models import Pack
from gitslice.objects.naming import own_names, share_names_and_object
from gitslice.objects.packstream import Chunks
from gitslice.objects.reading import RUN, Placed, PlacedPack, interleaved
from gitslice.objects.removing import drop_packs
from gitslice.objects.services import Copied, IndexedBlob, insert_pack, verified
from gitslice.objects.store import ObjectStore, object_name, object_store
from gitslice.objects.verifying import Place, one_blob, places_of
from gitslice_core.packs import (
    MAGIC,
    WHOLE_BYTES,
    PackReader,
    PackWriter,
    dictionary_record,
    end_record,
)

SWITCH = """
UPDATE objects_blob blob SET pack_id = %s, "offset" = moved.at, length = moved.length
  FROM unnest(%s::bytea[], %s::bigint[], %s::bigint[]) AS moved(digest, at, length)
 WHERE blob.organization_id = %s AND blob.digest = moved.digest AND blob.pack_id = ANY(%s)
"""


def rewrite_packs(
    packs: Sequence[Pack], *, reason: str, grace: timedelta, recompress: bool = False
) -> Pack | None:
    """Make one pack of what the index has in these, which are of one uploader, and drop them. Gives the new pack, None if
    nothing was left to keep. `recompress` makes frames anew, without the dictionary: one holds pieces of contents.

    Raises PackError, ObjectMissing where a frame is damaged: then nothing has changed. Killed between two steps it
    leaves at most an object that nobody names.
    """
    store = object_store()
    with store.spool() as spooled:
        count = _recompress(store, packs, spooled) if recompress else _copy(store, packs, spooled)
        if not count:
            _drop(packs, reason, grace)
            return None
        spooled.flush()
        spooled.seek(0)
        copied = Copied(spooled, None, settings.GITSLICE_MAX_PACK_BYTES)
        blobs, dictionary = verified(copied)
        content = _Content(copied.hash.digest(), copied.size, blobs, dictionary)
        store.put_pack(object_name(packs[0].organization_id, content.digest), spooled)
        with transaction.atomic():
            own_names(packs[0].organization_id)
            share_names_and_object(packs[0].organization_id, content.digest)
            if not store.exists(object_name(packs[0].organization_id, content.digest)):
                store.put_pack(object_name(packs[0].organization_id, content.digest), spooled)
            return _switch(packs, content, reason, grace)


class _Content(NamedTuple):
    """A pack that is stored, and verified."""

    digest: bytes
    size: int
    blobs: list[IndexedBlob]
    dictionary: tuple[int, int] | None


@transaction.atomic
def _drop(packs: Sequence[Pack], reason: str, grace: timedelta) -> None:
    own_names(packs[0].organization_id)
    drop_packs([pack.pk for pack in packs], reason, grace)


def _switch(packs: Sequence[Pack], content: _Content, reason: str, grace: timedelta) -> Pack:
    """Rows that were collected meanwhile, or are another pack's by now, are left alone."""
    old = [pack.pk for pack in packs]
    made = insert_pack(
        packs[0].organization_id,
        content.digest,
        content.size,
        len(content.blobs),
        content.dictionary,
        packs[0].uploaded_by_id,
    )
    columns = list(zip(*((blob.digest, blob.offset, blob.length) for blob in content.blobs), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(SWITCH, [made.pk, *map(list, columns), made.organization_id, old])
    drop_packs([pk for pk in old if pk != made.pk], reason, grace)
    return made


def _copy(store: ObjectStore, packs: Sequence[Pack], target: BinaryIO) -> int:
    """Write a pack of the indexed blobs; gives their number. Of packs with a dictionary there is only one."""
    placed_packs = [_placed(pack) for pack in packs]
    assert len(packs) == 1 or not any(placed.dictionary for placed in placed_packs)
    target.write(MAGIC)
    if placed_packs[0].dictionary:
        frame = b"".join(store.read_ranges(placed_packs[0].name, [placed_packs[0].dictionary]))
        target.write(dictionary_record(frame))
    count = 0
    for pack, placed in zip(packs, placed_packs, strict=True):
        for run in _runs(places_of(pack)):
            blobs = [Placed(place.digest, place.size, place.offset, place.length, placed) for place in run]
            ranges = [(blob.offset, blob.length) for blob in blobs]
            for chunk in interleaved(store.read_ranges(placed.name, ranges), blobs):
                target.write(chunk)
            count += len(run)
    target.write(end_record(count))
    return count


def _recompress(store: ObjectStore, packs: Sequence[Pack], target: BinaryIO) -> int:
    """As `_copy`, blob by blob: for the rare case."""
    writer = PackWriter(target)
    count = 0
    for pack in packs:
        for place in places_of(pack):
            reader = PackReader(Chunks(one_blob(store, pack, place)), max_blob_bytes=max(place.size, 1))
            for blob in reader:
                if blob.size <= WHOLE_BYTES:
                    writer.add(reader.content(blob))
                else:
                    writer.add_stream(cast(BinaryIO, Chunks(reader.chunks(blob))), blob.size)
            count += 1
    writer.finish()
    return count


def _runs(places: Iterator[Place]) -> Iterator[list[Place]]:
    run: list[Place] = []
    for place in places:
        run.append(place)
        if len(run) == RUN:
            yield run
            run = []
    if run:
        yield run


def _placed(pack: Pack) -> PlacedPack:
    span = None
    if pack.dictionary_offset is not None and pack.dictionary_length:
        span = (pack.dictionary_offset, pack.dictionary_length)
    return PlacedPack(object_name(pack.organization_id, bytes(pack.digest)), span)
