"""Undo: changesets that reverse commits and global commits."""

from __future__ import annotations

import pytest

from changesets.edits import WantedEdit
from changesets.errors import MergeConflict, NothingToRevert, PartlyOutside
from changesets.models import Changeset
from changesets.reverting import revert_commit, revert_global
from conflicts.detection import detect
from conflicts.models import Conflict
from slices.errors import GlobalForbidden, SliceForbidden
from slices.global_state.batches import Limits
from slices.global_state.merging import merge_global
from slices.models import Commit
from tests.world import World

pytestmark = pytest.mark.django_db

TEXT = b"".join(b"line %d\n" % number for number in range(30))


@pytest.fixture
def world(db):
    return World()


def merged(world, **limits):
    return merge_global(actor=None, organization=world.organization, limits=Limits(**limits))[0]


def revert(world, commit, slice=None, actor=None):
    return revert_commit(actor=actor or world.owner, slice=slice or world.root, commit=commit)


def test_everything_that_a_commit_did_is_undone(world):
    world.land(world.root, {"changed": b"1", "deleted": b"2", "moved/from": TEXT, "tool": b"x"})
    before = world.files()
    edits = world.edits(world.owner, {"changed": b"new", "deleted": None, "added": b"3"})
    edits.append(WantedEdit("rename", "moved/to", None, None, "moved/from"))
    edits.append(WantedEdit("chmod", "tool", "100755"))
    commit = world.land(world.root, edits, title="Many things")
    undo = revert(world, commit)
    assert undo.changeset.title == 'Revert "Many things"'
    assert commit.hex in undo.changeset.description
    ops = {edit.path: edit.op for edit in undo.plan.edits}
    assert ops == {
        "changed": "modify",
        "deleted": "add",
        "added": "delete",
        "moved/from": "rename",
        "moved/to": "delete",
        "tool": "chmod",
    }
    landed = world.merge(undo.changeset).commit
    assert world.files() == before
    with pytest.raises(NothingToRevert):
        revert(world, commit)
    again = revert(world, landed)
    world.merge(again.changeset)
    assert world.files()["changed"] == b"new"
    assert Commit.objects.count() == 4


def test_what_landed_later_elsewhere_in_a_file_is_kept(world):
    world.land(world.root, {"f": TEXT})
    wrong = world.land(world.root, {"f": TEXT.replace(b"line 3\n", b"wrong\n")})
    world.land(world.root, {"f": TEXT.replace(b"line 3\n", b"wrong\n").replace(b"line 25\n", b"later\n")})
    undo = revert(world, wrong)
    assert (undo.plan.merged, undo.plan.collisions) == (("f",), ())
    world.merge(undo.changeset)
    assert world.files()["f"] == TEXT.replace(b"line 25\n", b"later\n")


def test_later_commits_on_the_same_lines_are_conflicts_as_data(world):
    world.land(world.root, {"f": TEXT})
    wrong = world.land(world.root, {"f": TEXT.replace(b"line 3\n", b"wrong\n")})
    world.land(world.root, {"f": TEXT.replace(b"line 3\n", b"wrong again\n")})
    undo = revert(world, wrong)
    [collision] = undo.plan.collisions
    assert (collision.path, collision.kind, collision.severity) == ("f", "content", "high")
    with pytest.raises(MergeConflict):
        world.merge(undo.changeset)
    detect(undo.changeset)
    assert Conflict.objects.get(changeset=undo.changeset).path == "f"


def test_a_commit_is_undone_only_whole_and_once(world):
    team = world.slice("team", "team/**")
    commit = world.land(world.root, {"team/a": b"1", "other": b"2"})
    with pytest.raises(PartlyOutside):
        revert(world, commit, team)
    world.merge(revert(world, commit).changeset)
    with pytest.raises(NothingToRevert, match="undone already"):
        revert(world, commit)
    with pytest.raises(SliceForbidden):
        revert(world, commit, actor=world.user("reader"))


def test_an_administrator_undoes_a_whole_global_commit(world):
    team, other = world.slice("team", "team/**"), world.slice("other", "other/**")
    world.land(team, {"team/a": b"1", "team/old": b"o", "team/long": TEXT})
    world.land(other, {"other/x": b"1"})
    merged(world)
    before = world.files()
    world.land(team, {"team/a": b"2"})
    world.land(team, {"team/a": b"3", "team/old": None, "team/new": b"n"})
    world.land(other, {"other/x": b"2"})
    world.land(team, [WantedEdit("rename", "team/moved", None, None, "team/long")])
    batch = merged(world)
    preview = revert_global(actor=world.owner, merged=batch, preview=True)
    wanted = {"team/a": "modify", "team/old": "add", "team/new": "delete", "other/x": "modify"}
    wanted |= {"team/long": "rename", "team/moved": "delete"}
    assert {edit.path: edit.op for edit in preview.plan.edits} == wanted
    assert not Changeset.objects.filter(title__startswith="Revert").exists()
    undo = revert_global(actor=world.owner, merged=batch)
    assert (undo.changeset.slice.name, undo.changeset.title) == ("root", "Revert global commit g2")
    world.merge(undo.changeset)
    assert world.files() == before
    with pytest.raises(GlobalForbidden):
        revert_global(actor=world.writer(world.root, "writer"), merged=batch)


def test_a_global_commit_that_left_some_out_is_undone_as_it_was(world):
    """The other slice's commit landed first and is merged later: it is no part of what is undone."""
    one, two = world.slice("one", "one/**"), world.slice("two", "two/**")
    world.land(one, {"one/a": b"1"})
    world.land(two, {"two/a": b"1"})
    merged(world)
    world.land(two, {"two/a": b"2"})
    world.land(one, {"one/a": b"2"})
    batch = merged(world, slices=[world.fresh(one)])
    assert batch.floor < batch.last_seq
    undo = revert_global(actor=world.owner, merged=batch)
    world.merge(undo.changeset)
    assert world.files() == {"one/a": b"1", "two/a": b"2"}
