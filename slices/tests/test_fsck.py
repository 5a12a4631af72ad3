"""fsck is silent about a sound organization and names every kind of damage."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone

from slices.fsck import check_organization
from slices.models import Commit, Definition, PathHead, PathVersion, Slice, SliceLog, SlicePrefix
from slices.services import SliceEdit, edit_slice
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = World()
    team = world.slice("team", "a/**")
    world.land(world.root, {"a/x": b"1", "b": b"1"})
    world.land(team, {"a/x": b"2", "a/y": b"1"})
    edit_slice(actor=world.owner, slice=team, edit=SliceEdit(add=["b"]))
    world.land(team, {"a/y": None, "b": b"2"})
    return world


def findings(world) -> str:
    return "\n".join(map(str, check_organization(world.organization)))


def test_a_sound_organization_has_no_findings(world):
    assert findings(world) == ""
    out, err = StringIO(), StringIO()
    call_command("fsck", "--no-packs", stdout=out, stderr=err)
    assert (out.getvalue(), err.getvalue()) == ("", "1 organization checked, all well\n")


def _heads():
    return PathHead.objects.filter(path="a/x")


DAMAGE = {
    "message": (
        lambda: Commit.objects.filter(message="Change").update(message="Other"),
        "does not have its digest",
    ),
    "time": (lambda: Commit.objects.update(landed_at=timezone.now()), "does not have its digest"),
    "version content": (
        lambda: PathVersion.objects.filter(path="a/x", op="modify").update(new_digest=bytes(32)),
        "does not have its digest",
    ),
    "version gone": (
        lambda: PathVersion.objects.filter(path="a/x", op="add").delete(),
        "does not begin where",
    ),
    "head content": (lambda: _heads().update(digest=bytes(32)), "a/x: the head is not the newest version"),
    "head gone": (lambda: _heads().delete(), "a/x: the head is not the newest version"),
    "log entry gone": (
        lambda: SliceLog.objects.filter(seq=Commit.objects.earliest("seq").seq).delete(),
        "touches it and is not in its log",
    ),
    "slice head": (
        lambda: Slice.objects.update(head=Commit.objects.earliest("seq")),
        "its head is not the newest",
    ),
    "prefixes": (lambda: SlicePrefix.objects.filter(prefix="b").delete(), "its prefixes are not those"),
    "definition": (
        lambda: Definition.objects.filter(version=2).update(includes=["**"]),
        "does not have its digest",
    ),
    "chain": (lambda: Definition.objects.filter(version=2).update(parent_digest=bytes(32)), "is not chained"),
    "log of nothing": (lambda: SliceLog.objects.update(seq=F("seq") + 10**6), "which is no commit"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found(world, kind):
    damage, message = DAMAGE[kind]
    damage()
    assert message in findings(world)
    with pytest.raises(SystemExit) as end:
        call_command("fsck", "--org", "acme", stdout=StringIO(), stderr=StringIO())
    assert end.value.code == 1


def test_a_file_below_a_file_is_found(world):
    PathHead.objects.filter(path="b").update(path="a/x/below")
    assert "a/x: is a file, and a/x/below stands below it" in findings(world)
