from __future__ import annotations

import hashlib
import io
import resource

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gitslice.objects.models import Blob, BlobClaim, Pack
from gitslice.objects.services import (
    BlobMissing,
    InvalidPack,
    open_blob,
    put_blobs,
    read_blobs,
    store_pack,
    stream_pack,
    uploaded_sizes,
)
from gitslice.objects.store import object_store
from gitslice_core.packs import WHOLE_BYTES, PackReader, PackWriter, end_record, train
from tests.api import contents_of, pack_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


def digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def upload(world: World, pack: bytes, user=None):
    return store_pack(user=user or world.owner, organization=world.organization, stream=io.BytesIO(pack))


def trained_pack(contents: list[bytes]) -> bytes:
    file = io.BytesIO()
    writer = PackWriter(file, train(contents))
    for content in contents:
        writer.add(content)
    writer.finish()
    return file.getvalue()


SOURCES = [b"def function_%d(argument):\n    return argument + %d\n" % (n, n) * 40 for n in range(300)]


def test_blobs_are_indexed_with_the_id_that_git_gives_them(world):
    stored = upload(world, pack_of(b"hello\n"))
    blob = Blob.objects.get()
    assert bytes(blob.git_id).hex() == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert (blob.size, stored.blob_count, stored.pack.blob_count) == (6, 1, 1)
    assert read_blobs(world.organization.pk, [digest(b"hello\n")]) == {digest(b"hello\n"): b"hello\n"}


def test_frames_made_with_a_dictionary_are_read_and_streamed(world):
    stored = upload(world, trained_pack(SOURCES))
    assert stored.pack.dictionary_length
    chosen = SOURCES[::7]
    contents = read_blobs(world.organization.pk, list(map(digest, chosen)))
    assert sorted(contents.values()) == sorted(chosen)
    stream = b"".join(stream_pack(world.organization.pk, list(map(digest, chosen))))
    assert sorted(contents_of(stream)) == sorted(chosen)


def test_one_stream_over_packs_with_and_without_dictionaries(world):
    upload(world, pack_of(b"plain one"))
    upload(world, trained_pack(SOURCES))
    upload(world, pack_of(b"plain two"))
    wanted = [b"plain one", SOURCES[3], SOURCES[250], b"plain two"]
    stream = b"".join(stream_pack(world.organization.pk, list(map(digest, wanted)) * 2))
    assert sorted(contents_of(stream)) == sorted(wanted)


def test_the_same_content_is_indexed_once(world):
    upload(world, pack_of(b"same", b"same", b"other"))
    upload(world, pack_of(b"same"))
    assert Blob.objects.count() == 2
    assert BlobClaim.objects.count() == 1  # it is fresh again


def test_what_another_user_uploaded_before_is_claimed(world):
    ann, ben = world.user("ann"), world.user("ben")
    upload(world, pack_of(b"same"), ann)
    assert uploaded_sizes(ben.pk, world.organization.pk, [digest(b"same")]) == {}
    upload(world, pack_of(b"same", b"more"), ben)
    sizes = uploaded_sizes(
        ben.pk, world.organization.pk, [digest(b"same"), digest(b"more"), digest(b"unknown")]
    )
    assert sizes == {digest(b"same"): 4, digest(b"more"): 4}
    assert uploaded_sizes(ann.pk, world.organization.pk, [digest(b"more")]) == {}


def test_organizations_share_nothing(world):
    other = World("other")
    upload(world, pack_of(b"same"))
    with pytest.raises(BlobMissing):
        read_blobs(other.organization.pk, [digest(b"same")])


def test_a_refused_pack_leaves_nothing(world):
    before = set(object_store().list(""))
    for wrong in (b"junk", pack_of(b"x")[:-1], pack_of()):
        with pytest.raises(InvalidPack):
            upload(world, wrong)
    assert Pack.objects.count() == Blob.objects.count() == 0
    assert set(object_store().list("")) == before


def test_a_dictionary_in_the_middle_is_refused(world):
    first, second = pack_of(b"one"), trained_pack(SOURCES)
    joined = first[:-9] + second[8:-9] + end_record(len(SOURCES) + 1)
    with pytest.raises(InvalidPack):
        upload(world, joined)


def test_big_blobs_come_in_pieces(world):
    content = bytes(range(256)) * (WHOLE_BYTES // 256 + 100)
    upload(world, pack_of(content))
    assert b"".join(open_blob(world.organization.pk, digest(content))) == content
    reader = PackReader(io.BytesIO(b"".join(stream_pack(world.organization.pk, [digest(content)]))))
    assert [b"".join(reader.chunks(blob)) for blob in reader] == [content]


def test_queries_do_not_grow_with_the_number_of_blobs(world):
    def cost(contents: list[bytes]) -> int:
        with CaptureQueriesContext(connection) as queries:
            put_blobs(user=world.owner, organization=world.organization, contents=contents)
            read_blobs(world.organization.pk, list(map(digest, contents)))
        return len(queries)

    assert cost([b"%d" % n for n in range(5)]) == cost([b"x%d" % n for n in range(500)])


class Zeros:
    """A pack of one huge blob, made as it is read."""

    def __init__(self, size: int) -> None:
        file = io.BytesIO()
        writer = PackWriter(file)
        writer.add_stream(_Repeated(size), size)
        writer.finish()
        self.file = io.BytesIO(file.getvalue())

    def read(self, size: int) -> bytes:
        return self.file.read(size)


class _Repeated:
    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        count = min(self.left, size)
        self.left -= count
        return bytes(count)


def test_memory_does_not_grow_with_the_size_of_a_blob(world):
    """400 MB go in and out; what the process holds at most grows by far less."""
    size = 400 << 20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stored = store_pack(user=world.owner, organization=world.organization, stream=Zeros(size))
    blob = Blob.objects.get(pack=stored.pack)
    assert sum(map(len, open_blob(world.organization.pk, bytes(blob.digest)))) == size
    for _ in stream_pack(world.organization.pk, [bytes(blob.digest)]):
        pass
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100 * 1024
