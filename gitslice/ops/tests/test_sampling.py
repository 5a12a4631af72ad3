"""The scheduled check goes through everything bit by bit, and tells administrators once; the other schedules clean up."""

from __future__ import annotations

import time
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import User
from gitslice.objects.models import Blob, CommitSample, Damage, Pack, PackRemoval
from gitslice.objects.services import put_blobs
from gitslice.objects.store import object_name, object_store
from gitslice.ops.backup.database import is_running, one_at_a_time
from gitslice.ops.integrity.cleaning import delete_objects
from gitslice.ops.integrity.metrics import DAMAGE
from gitslice.ops.tasks import check_sample, collect_garbage, compact_packs
from slices.models import Commit
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = World()
    for n in range(9):
        world.land(world.root, {"a": b"%d" % n})
    User.objects.create_superuser("boss", password="x", email="boss@a.example")
    User.objects.create_superuser("mute", password="x")
    return world


def test_each_run_checks_what_was_not_checked_for_longest(world, settings):
    settings.GITSLICE_FSCK_BYTES, settings.GITSLICE_FSCK_COMMITS = 1, 4
    seqs = list(Commit.objects.order_by("seq").values_list("seq", flat=True))
    reached = []
    for _ in range(4):
        assert check_sample() == 0
        reached.append(CommitSample.objects.get().seq)
    assert reached == [seqs[3], seqs[7], 0, seqs[3]]
    assert Pack.objects.filter(checked_at=None).count() == 5


def test_damage_is_kept_counted_and_mailed_once(world, mailoutbox, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    pack = Pack.objects.first()
    name = object_name(pack.organization_id, bytes(pack.digest))
    content = b"".join(object_store().read_ranges(name, [(0, pack.size)]))
    object_store().delete(name)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE slices_commit SET message = 'Other' WHERE seq = (SELECT min(seq) FROM slices_commit)"
        )
    assert check_sample() == 3
    assert check_sample() == 0
    assert [mail.to for mail in mailoutbox] == [["boss@a.example"]]
    assert str(pack) in mailoutbox[0].body
    assert "its content does not have its digest" in mailoutbox[0].body
    assert DAMAGE._value.get() == 3
    with object_store().spool() as spooled:
        spooled.write(content)
        object_store().put_pack(name, spooled)
    assert check_sample() == 0
    assert Damage.objects.filter(mended_at=None).count() == 1
    assert len(mailoutbox) == 1


def test_schedules_collect_and_compact(world):
    assert compact_packs() == 9
    assert Pack.objects.count() == 1
    put_blobs(user=world.owner, organization=world.organization, contents=[b"forgotten"])
    Pack.objects.update(created_at=timezone.now() - timedelta(days=15))
    assert collect_garbage() == 1
    assert Blob.objects.count() == 9
    assert PackRemoval.objects.count() == 10
    assert world.files() == {"a": b"8"}


def test_nothing_is_deleted_under_a_backup(world):
    PackRemoval.objects.create(
        organization=world.organization,
        digest=bytes(32),
        reason="orphan",
        due_at=timezone.now() - timedelta(days=1),
    )
    with one_at_a_time():
        assert is_running()
        assert delete_objects() == 0
    while is_running():  # its connection ends a moment later
        time.sleep(0.01)
    assert delete_objects() == 1


def test_commands_say_what_they_would_do_and_do(world):
    put_blobs(user=world.owner, organization=world.organization, contents=[b"forgotten"])
    out = StringIO()
    call_command("gc", "--grace-days", "0", "--dry-run", stdout=out)
    assert "acme: 1 blobs of 18 bytes would be deleted" in out.getvalue()
    call_command("gc", "--org", "acme", "--grace-days", "0", stdout=out)
    assert "acme: 1 blobs of 18 bytes deleted, 1 packs dropped" in out.getvalue()
    call_command("compact_packs", "--dry-run", stdout=out)
    call_command("compact_packs", stdout=out)
    assert "acme: 9 packs of" in out.getvalue()
    assert Pack.objects.count() == 1
