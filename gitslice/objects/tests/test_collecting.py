"""What garbage collection deletes, what it never does, and that packs can be rewritten under everybody's feet."""

from __future__ import annotations

import hashlib
import io
import os
from datetime import timedelta

import pytest
from django.utils import timezone

from gitslice.objects.collecting import collect
from gitslice.objects.compacting import compact
from gitslice.objects.models import Blob, BlobClaim, Pack, PackRemoval
from gitslice.objects.reading import open_blob
from gitslice.objects.removing import ORPHAN, delete_due, queue_orphans
from gitslice.objects.services import put_blobs, read_blobs, store_pack, uploaded_sizes
from gitslice.objects.store import object_name, object_store
from gitslice_core.packs import PackWriter, train
from tests.world import World

pytestmark = pytest.mark.django_db
NONE = timedelta()
LONG_AGO = timezone.now() - timedelta(days=100)


@pytest.fixture
def world():
    return World()


def digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def put(world: World, *contents: bytes, user=None, old: bool = True) -> Pack:
    put_blobs(user=user or world.owner, organization=world.organization, contents=contents)
    pack = Pack.objects.latest("pk")
    if old:
        Pack.objects.filter(pk=pack.pk).update(created_at=LONG_AGO)
    return pack


def name(pack: Pack) -> str:
    return object_name(pack.organization_id, bytes(pack.digest))


def everything_is_due() -> None:
    PackRemoval.objects.update(due_at=LONG_AGO)


def test_what_was_uploaded_and_never_named_is_deleted_after_the_grace_and_its_object_after_another(world):
    pack = put(world, b"forgotten")
    fresh = put(world, b"just uploaded", old=False)
    assert collect(world.organization.pk, dry_run=True).blobs == 1
    assert Blob.objects.count() == 2
    collected = collect(world.organization.pk)
    assert (collected.blobs, collected.packs) == (1, 1)
    assert list(Pack.objects.all()) == [fresh]
    assert delete_due() == 0
    assert object_store().exists(name(pack))
    everything_is_due()
    assert delete_due() == 1
    assert not object_store().exists(name(pack))
    assert not PackRemoval.objects.exists()


def test_what_a_commit_or_any_patchset_names_stays(world):
    world.land(world.root, {"a": b"landed"})
    world.land(world.root, {"a": b"landed later"})
    abandoned = world.propose(world.root, {"b": b"proposed"})
    world.revise(abandoned, {"b": b"proposed again"})
    type(abandoned).objects.update(state="abandoned")
    Pack.objects.update(created_at=LONG_AGO)
    assert collect(world.organization.pk, grace=NONE).blobs == 0
    assert Blob.objects.count() == 4


@pytest.mark.parametrize("again", ["the same pack", "another pack", "another user"])
def test_what_is_uploaded_again_is_fresh(world, again):
    put(world, b"content")
    user = world.user("ann") if again == "another user" else world.owner
    contents = [b"content", b"more"] if again == "another pack" else [b"content"]
    put(world, *contents, user=user, old=False)
    assert collect(world.organization.pk).blobs == 0
    assert uploaded_sizes(user.pk, world.organization.pk, [digest(b"content")])
    BlobClaim.objects.update(created_at=LONG_AGO)
    Pack.objects.update(created_at=LONG_AGO, fresh_at=None)
    assert collect(world.organization.pk).blobs == len(contents)


def test_a_pack_that_comes_again_takes_its_object_out_of_the_queue(world):
    pack = put(world, b"forgotten")
    collect(world.organization.pk)
    put(world, b"forgotten", old=False)
    everything_is_due()
    assert delete_due() == 0
    assert read_blobs(world.organization.pk, [digest(b"forgotten")])
    Pack.objects.update(created_at=LONG_AGO)
    collect(world.organization.pk)
    everything_is_due()
    delete_due()
    put(world, b"forgotten")
    assert object_store().exists(name(pack))


def test_objects_without_a_row_are_queued_and_those_with_one_are_not(world):
    pack = put(world, b"has a row")
    with object_store().spool() as spooled:
        spooled.write(b"anything")
        object_store().put_pack(object_name(world.organization.pk, bytes(32)), spooled)
    assert queue_orphans(world.organization.pk) == 1
    assert queue_orphans(world.organization.pk) == 0
    assert PackRemoval.objects.get().reason == ORPHAN
    everything_is_due()
    assert delete_due() == 1
    assert object_store().exists(name(pack))


def test_an_object_in_the_queue_that_a_row_names_is_not_deleted(world):
    pack = put(world, b"named")
    PackRemoval.objects.create(
        organization=world.organization, digest=pack.digest, reason=ORPHAN, due_at=LONG_AGO
    )
    assert delete_due() == 0
    assert object_store().exists(name(pack))


def test_small_packs_of_one_uploader_become_one_and_readers_go_on(world):
    ann = world.user("ann")
    contents = {digest(b"content %d" % n): b"content %d" % n for n in range(20)}
    for n, content in enumerate(contents.values()):
        put(world, content, user=ann if n % 2 else world.owner)
    old = list(Pack.objects.all())
    reader = open_blob(world.organization.pk, next(iter(contents)))
    compacted = compact(world.organization.pk)
    assert (compacted.packs, compacted.made) == (20, 2)
    assert Pack.objects.count() == 2
    assert read_blobs(world.organization.pk, contents) == contents
    assert b"".join(reader) == next(iter(contents.values()))
    assert all(object_store().exists(name(pack)) for pack in old)  # somebody may be reading there
    everything_is_due()
    assert delete_due() == 20
    assert read_blobs(world.organization.pk, contents) == contents
    theirs = uploaded_sizes(ann.pk, world.organization.pk, contents)
    assert len(theirs) == 10  # who may name what has not changed
    assert compact(world.organization.pk).packs == 0


def test_dead_bytes_leave_a_pack_and_its_dictionary_stays(world):
    sources = [b"def function_%d(argument):\n    return argument + %d\n" % (n, n) * 40 for n in range(300)]
    file = io.BytesIO()
    writer = PackWriter(file, train(sources))
    for content in [*sources, os.urandom(200_000)]:
        writer.add(content)
    writer.finish()
    file.seek(0)
    store_pack(user=world.owner, organization=world.organization, stream=file)
    old = Pack.objects.get()
    Blob.objects.filter(size=200_000).delete()
    assert compact(world.organization.pk, dry_run=True).packs == 1
    assert compact(world.organization.pk).packs == 1
    made = Pack.objects.get()
    assert made.size < old.size / 2
    assert made.dictionary_length == old.dictionary_length
    wanted = {digest(content): content for content in sources}
    assert read_blobs(world.organization.pk, wanted) == wanted


def test_a_run_reads_no_more_than_it_may(world):
    for n in range(20):
        put(world, os.urandom(1000), user=world.owner if n < 10 else world.user(f"u{n % 2}-{n}"))
    put(world, b"x", user=world.user("other"))
    compacted = compact(world.organization.pk, max_bytes=1)
    assert compacted.made == 1


def test_a_damaged_pack_is_left_alone(world):
    for n in range(10):
        put(world, b"content %d" % n)
    pack = Pack.objects.first()
    with object_store().spool() as spooled:
        spooled.write(b"damaged" * 30)
        object_store().put_pack(name(pack), spooled)
    assert compact(world.organization.pk).damaged == 1
    assert Pack.objects.count() == 10
