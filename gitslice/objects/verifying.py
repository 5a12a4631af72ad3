"""Whether packs are what their rows say: every byte is read, every frame decompressed, every digest compared.

A pack is read as one stream. Only where that does not hold are its blobs read one by one, to name those that are damaged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from gitslice.objects.models import Pack
from gitslice.objects.packstream import Chunks, git_id_of
from gitslice.objects.store import ObjectMissing, ObjectStore, object_name, object_store
from gitslice_core.packs import (
    MAGIC,
    PackError,
    PackReader,
    blob_record,
    dictionary_record,
    end_record,
)

BATCH = 5_000
PLACES = """
SELECT digest, git_id, size, "offset", length FROM objects_blob WHERE pack_id = %s ORDER BY "offset", id
"""


class Place(NamedTuple):
    """What the index says of a blob."""

    digest: bytes
    git_id: bytes
    size: int
    offset: int
    length: int


class Problem(NamedTuple):
    """Something wrong with a pack; with a digest, with one of its blobs."""

    text: str
    digest: bytes | None = None
    offset: int | None = None


def check_pack(pack: Pack) -> list[Problem]:
    """What is wrong with a pack and its index rows. Memory: one frame; the time of reading it once, twice if damaged."""
    store = object_store()
    try:
        found = _whole(store, pack)
    except (PackError, ObjectMissing) as error:
        return [Problem(f"it is damaged: {error}"), *_damaged_blobs(store, pack)]
    return found


def places_of(pack: Pack) -> Iterator[Place]:
    """The index rows of a pack in the order of its bytes, a batch in memory."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(PLACES, [pack.pk])
        while rows := cursor.fetchmany(BATCH):
            for digest, git_id, size, offset, length in rows:
                yield Place(bytes(digest), bytes(git_id), size, offset, length)


def _whole(store: ObjectStore, pack: Pack) -> list[Problem]:
    """Raises PackError, ObjectMissing where the bytes are not those that were stored."""
    source = Chunks(store.read_ranges(_name(pack), [(0, pack.size)]))
    reader = PackReader(source, max_blob_bytes=settings.GITSLICE_MAX_BLOB_BYTES)
    problems = []
    places = places_of(pack)
    place = next(places, None)
    for blob in reader:
        git_id = git_id_of(reader, blob)
        if place is not None and place.offset == blob.offset:
            if (place.digest, place.size, place.length) != (blob.digest, blob.size, blob.length):
                problems.append(Problem("the index says of it what is not so", place.digest, place.offset))
            elif place.git_id != git_id:
                problems.append(Problem("the index has another id of git for it", place.digest, place.offset))
            place = next(places, None)
        while place is not None and place.offset <= blob.offset:
            problems.append(Problem("the index names a place that has no blob", place.digest, place.offset))
            place = next(places, None)
    while place is not None:
        problems.append(Problem("the index names a place that has no blob", place.digest, place.offset))
        place = next(places, None)
    if reader.dictionary_span != _span(pack):
        problems.append(Problem("the index has another place of its dictionary"))
    if (source.sha256.digest(), source.size) != (bytes(pack.digest), pack.size):
        raise PackError("its content does not have its digest")
    return problems


def _damaged_blobs(store: ObjectStore, pack: Pack) -> list[Problem]:
    problems = []
    for place in places_of(pack):
        problem = blob_problem(store, pack, place)
        if problem:
            problems.append(Problem(problem, place.digest, place.offset))
    return problems


def blob_problem(store: ObjectStore, pack: Pack, place: Place) -> str | None:
    """What is wrong with one blob, read alone as readers read it."""
    try:
        reader = PackReader(Chunks(one_blob(store, pack, place)), max_blob_bytes=max(place.size, 1))
        for blob in reader:
            if git_id_of(reader, blob) != place.git_id:
                return "the index has another id of git for it"
    except ObjectMissing as error:
        return f"its bytes are missing ({error})"
    except PackError as error:
        return str(error)
    return None


def one_blob(store: ObjectStore, pack: Pack, place: Place) -> Iterator[bytes]:
    """A pack stream of one blob, out of its place."""
    yield MAGIC
    span = _span(pack)
    if span:
        yield dictionary_record(b"".join(store.read_ranges(_name(pack), [span])))
    yield blob_record(place.digest, place.size, place.length)
    yield from store.read_ranges(_name(pack), [(place.offset, place.length)])
    yield end_record(1)


def _span(pack: Pack) -> tuple[int, int] | None:
    if pack.dictionary_offset is None or pack.dictionary_length is None:
        return None
    return pack.dictionary_offset, pack.dictionary_length


def _name(pack: Pack) -> str:
    return object_name(pack.organization_id, bytes(pack.digest))
