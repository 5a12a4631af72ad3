"""Damage of stored bytes is named precisely, and mended from wherever the same blob still is."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from gitslice.objects.models import Blob, Damage, Pack
from gitslice.objects.removing import delete_due
from gitslice.objects.rewriting import rewrite_packs
from gitslice.objects.services import put_blobs, read_blobs
from gitslice.objects.store import object_name, object_store
from gitslice.ops.backup.making import copy_packs
from gitslice.ops.backup.manifests import Manifest, PackFacts
from gitslice.ops.backup.vaults import open_vault
from slices.models import SearchText, SlicePrefix, TreeNode
from slices.search.index import follow
from tests.world import World

pytestmark = pytest.mark.django_db
SECRET = os.urandom(3000)
BIG = os.urandom(5 << 20)  # is handled piece by piece


@pytest.fixture
def world():
    world = World()
    world.land(world.root, {"a": b"first", "b": b"second"})
    return world


def fsck(*options: str) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("fsck", *options, stdout=out, stderr=err)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def name(pack: Pack) -> str:
    return object_name(pack.organization_id, bytes(pack.digest))


def overwrite(pack: Pack, content: bytes) -> None:
    with object_store().spool() as spooled:
        spooled.write(content)
        object_store().put_pack(name(pack), spooled)


def bytes_of(pack: Pack) -> bytes:
    return b"".join(object_store().read_ranges(name(pack), [(0, pack.size)]))


def damage(content: bytes) -> Pack:
    """Flip a byte in the middle of the frame of a blob."""
    blob = Blob.objects.select_related("pack").get(digest=hashlib.sha256(content).digest())
    data = bytearray(bytes_of(blob.pack))
    data[blob.offset + blob.length // 2] ^= 1
    overwrite(blob.pack, bytes(data))
    return blob.pack


def test_every_pack_is_read_once_and_again_when_it_is_due(world):
    assert json.loads(fsck("--json")[1]) == {
        "findings": [],
        "ok": True,
        "checked": {"organizations": 1, "packs": 1, "bytes": Pack.objects.get().size, "left": 0},
    }
    assert "0 packs of" in fsck()[2]
    assert "1 packs of" in fsck("--full")[2]
    world.land(world.root, {"c": b"third"})
    world.land(world.root, {"d": b"fourth"})
    assert "1 packs of" in fsck("--max-bytes", "1")[2]
    assert "1 packs of" in fsck()[2]
    assert "0 packs of" in fsck("--full", "--max-seconds", "0")[2]


@pytest.mark.parametrize("content", [SECRET, BIG], ids=["small", "big"])
def test_a_damaged_blob_is_named_with_its_path_commit_pack_and_offset(world, content):
    commit = world.land(world.root, {"dir/secret": content, "other": b"intact"})
    pack = damage(content)
    code, out, _ = fsck("--json")
    found = json.loads(out)["findings"]
    blob = Blob.objects.get(digest=hashlib.sha256(content).digest())
    assert code == 1
    named = [finding for finding in found if finding.get("digest") == bytes(blob.digest).hex()]
    assert len(named) == 1
    assert (named[0]["pack"], named[0]["offset"], named[0]["data"]) == (str(pack), blob.offset, "truth")
    assert named[0]["places"] == [{"path": "dir/secret", "in": commit.hex}]
    assert len(found) == 2  # the blob, and that the pack is not what it was; not the blob beside it
    assert fsck()[0] == 1  # it was checked a moment ago, and is still damaged
    assert Damage.objects.filter(mended_at=None).count() == 2


def test_what_is_missing_is_named(world):
    pack = Pack.objects.get()
    object_store().delete(name(pack))
    assert "its bytes are missing" in fsck()[1]
    Blob.objects.filter(size=5).delete()
    assert "a: no pack holds its content: blob" in fsck("--no-packs")[1]
    code, _, err = fsck("--repair")
    assert code == 1
    assert "is nowhere to be found" in err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"git_id": bytes(20)}, "another id of git"),
        ({"offset": 1}, "a place that has no blob"),
        ({"size": 7}, "says of it what is not so"),
    ],
)
def test_index_rows_that_are_wrong_are_found_and_mended(world, change, told):
    Blob.objects.filter(size=5).update(**change)
    assert told in fsck()[1]
    code, out, err = fsck("--repair")
    assert (code, out) == (0, ""), err
    assert read_blobs(world.organization.pk, [hashlib.sha256(b"first").digest()])
    assert fsck("--full")[0] == 0


@pytest.mark.parametrize("content", [SECRET, BIG], ids=["small", "big"])
def test_a_blob_that_another_pack_holds_too_is_mended(world, content):
    world.land(world.root, {"secret": content, "other": b"intact"})
    put_blobs(user=world.owner, organization=world.organization, contents=[content, b"beside it"])
    pack = damage(content)
    code, out, err = fsck("--repair")
    assert (code, out) == (0, ""), err
    assert not Pack.objects.filter(pk=pack.pk).exists()
    assert world.files() == {"a": b"first", "b": b"second", "secret": content, "other": b"intact"}
    assert not Damage.objects.filter(mended_at=None, subject="x").exists()
    assert fsck("--full")[0] == 0


def test_derived_data_is_mended(world):
    world.slice("team", "a/**")
    follow(world.organization.pk)
    call_command("rebuild_trees", stdout=StringIO())
    SlicePrefix.objects.all().delete()
    SearchText.objects.filter(path="a").delete()
    TreeNode.objects.all().delete()
    code, out, _ = fsck("--json")
    assert code == 1
    assert {finding["data"] for finding in json.loads(out)["findings"]} == {"derived"}
    code, out, err = fsck("--repair")
    assert (code, out) == (0, ""), err
    assert SearchText.objects.filter(path="a", text="first").exists()


def test_truth_is_told_and_left_as_it_is(world):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE slices_commit SET message = 'Other'")
    code, out, _ = fsck("--repair")
    assert code == 1
    assert "its content does not have its digest" in out


@pytest.mark.parametrize("rewritten", [False, True], ids=["the same pack", "another pack"])
def test_what_is_lost_comes_from_a_backup(world, tmp_path, rewritten):
    world.land(world.root, {"c": b"third"})
    vault = open_vault(str(tmp_path), None, make=True)
    facts = tuple(PackFacts(world.organization.pk, str(pack), pack.size) for pack in Pack.objects.all())
    copy_packs(vault, facts)
    vault.publish(Manifest("20260101", "", "1", {}, "16", "", 0, {}, facts, None))
    if rewritten:
        rewrite_packs(list(Pack.objects.order_by("pk")), reason="compacted", grace=timedelta())
        assert delete_due() == 2
    for pack in Pack.objects.all():
        object_store().delete(name(pack))
    assert fsck("--repair")[0] == 1
    code, out, err = fsck("--repair", "--from", str(tmp_path))
    assert (code, out) == (0, ""), err
    assert world.files() == {"a": b"first", "b": b"second", "c": b"third"}
    assert fsck("--full")[0] == 0
