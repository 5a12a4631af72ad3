from __future__ import annotations

import pytest

from accounts.models import AuditEvent
from changesets.edits import WantedEdit
from changesets.errors import (
    AlreadyMerged,
    ChangesetClosed,
    MergeConflict,
    NeedsApproval,
    OutdatedBase,
    OutsideSlice,
    StalePatchset,
)
from changesets.reviewing import review_changeset
from changesets.services import (
    Proposal,
    abandon_changeset,
    add_patchset,
    rebase_changeset,
)
from gitslice.common.errors import PermissionDenied
from slices.commits import Change, CommitFacts, commit_digest
from slices.entries import Entry
from slices.errors import SliceForbidden, SliceLocked
from slices.models import Commit, PathVersion, Slice, SliceLog
from slices.services import SliceEdit, edit_slice
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


@pytest.fixture
def billing(world):
    return world.slice("billing", "services/billing/**", "shared/money/**")


@pytest.fixture
def shop(world):
    return world.slice("shop", "services/shop/**", "shared/money/**")


LINES = b"".join(b"line %d\n" % number for number in range(20))


def edited(number: int, text: bytes, content: bytes = LINES) -> bytes:
    return content.replace(b"line %d\n" % number, text + b"\n")


def test_a_landed_changeset_is_a_commit_with_heads_versions_and_log(world, billing):
    changeset = world.propose(billing, {"services/billing/a.py": b"one\n", "shared/money/m.py": b"two\n"})
    landing = world.merge(changeset)
    assert landing.changeset.state == "merged"
    assert world.files() == {"services/billing/a.py": b"one\n", "shared/money/m.py": b"two\n"}
    assert world.fresh(billing).head == landing.commit
    assert PathVersion.objects.filter(seq=landing.commit.seq).count() == 2
    assert AuditEvent.objects.filter(action="changeset.land").count() == 1


def test_a_commit_stands_in_the_log_of_every_slice_that_covers_a_changed_path(world, billing, shop):
    world.land(billing, {"services/billing/a.py": b"1"})
    shared = world.land(billing, {"shared/money/m.py": b"2"})
    assert list(SliceLog.objects.filter(slice=shop).values_list("seq", flat=True)) == [shared.seq]
    assert world.fresh(shop).head == shared


def test_the_digest_covers_everything_that_the_commit_says(world, billing):
    first = world.land(billing, {"shared/money/m.py": b"1"})
    second = world.land(billing, {"shared/money/m.py": b"22"}, title="Second")
    (version,) = PathVersion.objects.filter(seq=second.seq)
    change = Change(
        version.path,
        version.op,
        Entry(version.old_mode, bytes(version.old_digest), 1),
        Entry(version.new_mode, bytes(version.new_digest), version.new_size),
    )
    facts = CommitFacts(
        bytes(first.digest),
        billing.pk,
        world.owner.pk,
        second.landed_at,
        second.changeset_number,
        "Second",
        (change,),
    )
    assert commit_digest(facts) == bytes(second.digest)
    assert second.parent == first


def test_landing_twice_gives_the_same_commit(world, billing):
    changeset = world.propose(billing, {"shared/money/m.py": b"1"})
    assert world.merge(changeset).commit == world.merge(changeset).commit
    assert Commit.objects.count() == 1


def test_changes_of_two_teams_in_different_places_merge(world, billing, shop):
    world.land(billing, {"shared/money/m.py": LINES})
    mine = world.propose(billing, {"shared/money/m.py": edited(2, b"mine")})
    world.land(shop, {"shared/money/m.py": edited(15, b"theirs")})
    landing = world.merge(mine)
    assert landing.merged_paths == ["shared/money/m.py"]
    assert world.files()["shared/money/m.py"] == edited(15, b"theirs", edited(2, b"mine"))


def test_changes_in_the_same_place_are_refused_and_explained(world, billing, shop):
    world.land(billing, {"shared/money/m.py": LINES})
    mine = world.propose(billing, {"shared/money/m.py": edited(2, b"mine")})
    theirs = world.land(shop, {"shared/money/m.py": edited(2, b"theirs")})
    with pytest.raises(MergeConflict) as caught:
        world.merge(mine)
    (conflict,) = caught.value.conflicts
    assert (conflict["path"], conflict["kind"], conflict["severity"]) == (
        "shared/money/m.py",
        "content",
        "high",
    )
    assert conflict["sides"]["theirs"]["commit"] == bytes(theirs.digest).hex()
    assert conflict["sides"]["ours"]["slice"] == "acme/billing"
    (hunk,) = conflict["hunks"]
    assert (hunk["base"], hunk["ours"], hunk["theirs"]) == (["line 2"], ["mine"], ["theirs"])
    assert hunk["base_start"] == 3
    assert world.files()["shared/money/m.py"] == edited(2, b"theirs")


def test_white_space_collisions_are_of_medium_severity(world, billing, shop):
    world.land(billing, {"shared/money/m.py": LINES})
    mine = world.propose(billing, {"shared/money/m.py": edited(2, b"  line 2 x")})
    world.land(shop, {"shared/money/m.py": edited(2, b"    line 2  x")})
    with pytest.raises(MergeConflict) as caught:
        world.merge(mine)
    assert caught.value.conflicts[0]["severity"] == "medium"


@pytest.mark.parametrize(
    ("mine", "theirs", "kind", "severity"),
    [
        (b"changed\n", None, "modify_delete", "critical"),
        (None, b"changed\n", "modify_delete", "critical"),
        (b"\0mine", b"\0theirs", "binary", "critical"),
    ],
)
def test_structural_collisions_are_critical(world, billing, shop, mine, theirs, kind, severity):
    world.land(billing, {"shared/money/m.py": b"base\n"})
    changeset = world.propose(billing, {"shared/money/m.py": mine})
    world.land(shop, {"shared/money/m.py": theirs})
    with pytest.raises(MergeConflict) as caught:
        world.merge(changeset)
    assert (caught.value.conflicts[0]["kind"], caught.value.conflicts[0]["severity"]) == (kind, severity)


def test_two_different_files_added_at_one_path_collide(world, billing, shop):
    world.land(billing, {"shared/money/other.py": b"0\n"})
    changeset = world.propose(billing, {"shared/money/m.py": b"mine\n"})
    world.land(shop, {"shared/money/m.py": b"theirs\n"})
    with pytest.raises(MergeConflict) as caught:
        world.merge(changeset)
    assert caught.value.conflicts[0]["kind"] == "add_add"


def test_a_file_cannot_stand_where_a_folder_is(world, billing, shop):
    world.land(billing, {"shared/money/other.py": b"0\n"})
    changeset = world.propose(billing, {"shared/money/m": b"a file\n"})
    world.land(shop, {"shared/money/m/x.py": b"in a folder\n"})
    with pytest.raises(MergeConflict) as caught:
        world.merge(changeset)
    assert caught.value.conflicts[0]["kind"] == "file_folder"


def test_a_folder_may_replace_a_file_that_the_same_changeset_deletes(world, billing):
    world.land(billing, {"shared/money/m": b"a file\n"})
    world.land(billing, {"shared/money/m": None, "shared/money/m/x.py": b"in a folder\n"})
    assert world.files() == {"shared/money/m/x.py": b"in a folder\n"}


def test_their_change_follows_our_rename(world, billing, shop):
    world.land(billing, {"shared/money/old.py": LINES})
    rename = WantedEdit("rename", "shared/money/new.py", renamed_from="shared/money/old.py")
    changeset = world.propose(billing, [rename])
    world.land(shop, {"shared/money/old.py": edited(3, b"theirs")})
    world.merge(changeset)
    assert world.files() == {"shared/money/new.py": edited(3, b"theirs")}


def test_an_identical_change_lands_nothing_twice(world, billing, shop):
    world.land(billing, {"shared/money/m.py": b"1\n", "shared/money/n.py": b"1\n"})
    changeset = world.propose(billing, {"shared/money/m.py": b"2\n", "shared/money/n.py": b"mine\n"})
    world.land(shop, {"shared/money/m.py": b"2\n"})
    commit = world.merge(changeset).commit
    assert list(PathVersion.objects.filter(seq=commit.seq).values_list("path", flat=True)) == [
        "shared/money/n.py"
    ]


def test_policy_file_blocks_what_content_would_let_pass(world, billing, shop):
    world.land(billing, {"shared/money/m.py": LINES})
    changeset = world.propose(billing, {"shared/money/m.py": edited(2, b"mine")})
    world.land(shop, {"shared/money/m.py": edited(15, b"theirs")})
    Slice.objects.filter(pk=billing.pk).update(conflict_policy="file")
    with pytest.raises(MergeConflict):
        world.merge(changeset)
    Slice.objects.filter(pk=billing.pk).update(conflict_policy="content")
    assert world.merge(changeset).merged_paths == ["shared/money/m.py"]


def test_auto_merge_off_asks_for_a_rebase(world, billing, shop):
    world.land(billing, {"shared/money/m.py": LINES})
    changeset = world.propose(billing, {"shared/money/m.py": edited(2, b"mine")})
    world.land(shop, {"shared/money/m.py": edited(15, b"theirs")})
    Slice.objects.filter(pk=billing.pk).update(auto_merge="off")
    with pytest.raises(OutdatedBase):
        world.merge(changeset)


def test_a_locked_slice_stays_as_it_is_whoever_comes(world, billing, shop):
    world.land(billing, {"shared/money/m.py": b"1"})
    changeset = world.propose(billing, {"shared/money/m.py": b"2"})
    Slice.objects.filter(pk=shop.pk).update(locked=True)
    with pytest.raises(SliceLocked):
        world.merge(changeset)


def test_approvals_count_for_the_patchset_they_were_given_to(world, billing):
    Slice.objects.filter(pk=billing.pk).update(required_approvals=1)
    author, reviewer = world.writer(billing, "alice"), world.writer(billing, "bob")
    changeset = world.propose(billing, {"shared/money/m.py": b"1"}, by=author)
    with pytest.raises(NeedsApproval):
        world.merge(changeset)
    changeset = review_changeset(actor=reviewer, changeset=changeset, verdict="approve")
    assert changeset.state == "approved"
    changeset = world.revise(changeset, {"shared/money/m.py": b"2"}, base=None)
    with pytest.raises(NeedsApproval):
        world.merge(changeset)
    world.merge(review_changeset(actor=reviewer, changeset=changeset, verdict="approve"))


def test_force_is_for_maintainers(world, billing):
    Slice.objects.filter(pk=billing.pk).update(required_approvals=1)
    author = world.writer(billing, "alice")
    changeset = world.propose(billing, {"shared/money/m.py": b"1"}, by=author)
    with pytest.raises(SliceForbidden):
        world.merge(changeset, force=True)
    world.merge(changeset, actor=world.owner, force=True)
    assert AuditEvent.objects.get(action="changeset.land").detail["force"] is True


def test_a_reader_cannot_land(world, billing):
    changeset = world.propose(billing, {"shared/money/m.py": b"1"})
    with pytest.raises(SliceForbidden):
        world.merge(changeset, actor=world.user("reader"))


def test_a_newer_patchset_than_expected_is_not_landed(world, billing):
    changeset = world.propose(billing, {"shared/money/m.py": b"1"})
    world.revise(changeset, {"shared/money/m.py": b"2"}, base=None)
    with pytest.raises(StalePatchset):
        world.merge(changeset, expected_patchset=1)


def test_an_abandoned_changeset_does_not_land(world, billing):
    changeset = world.propose(billing, {"shared/money/m.py": b"1"})
    abandon_changeset(actor=world.owner, changeset=changeset, reason="no")
    with pytest.raises(ChangesetClosed):
        world.merge(changeset)


def test_a_merged_changeset_says_that_it_is_merged(world, billing):
    changeset = world.propose(billing, {"shared/money/m.py": b"1"})
    world.merge(changeset)
    with pytest.raises(AlreadyMerged):
        abandon_changeset(actor=world.owner, changeset=changeset, reason="no")


def test_a_definition_that_shrank_keeps_the_change_out(world, billing):
    changeset = world.propose(billing, {"shared/money/m.py": b"1"})
    edit_slice(actor=world.owner, slice=billing, edit=SliceEdit(includes=["services/billing/**"]))
    with pytest.raises(OutsideSlice):
        world.merge(changeset)


def test_root_lands_paths_that_no_slice_covers(world, billing):
    commit = world.land(world.root, {"README.md": b"hello\n", "shared/money/m.py": b"1"})
    assert world.files()["README.md"] == b"hello\n"
    assert world.fresh(billing).head == commit


def test_nobody_approves_their_own_edits_in_another_changeset(world, billing):
    author, bob = world.writer(billing, "author"), world.writer(billing, "bob")
    changeset = world.propose(billing, {"shared/money/m.py": b"of the author\n"}, by=author)
    edits = world.edits(bob, {"shared/money/m.py": b"of bob\n"})
    changeset = add_patchset(actor=bob, changeset=changeset, proposal=Proposal("HEAD", edits))
    with pytest.raises(PermissionDenied):
        review_changeset(actor=bob, changeset=changeset, verdict="approve")
    world.land(billing, {"shared/money/other.py": b"x\n"})
    changeset, _ = rebase_changeset(actor=bob, changeset=changeset)
    assert changeset.current.origin == "rebase"
    with pytest.raises(PermissionDenied):
        review_changeset(actor=bob, changeset=changeset, verdict="approve")
    edits = world.edits(author, {"shared/money/m.py": b"of the author\n"})
    changeset = add_patchset(actor=author, changeset=changeset, proposal=Proposal("HEAD", edits))
    assert review_changeset(actor=bob, changeset=changeset, verdict="approve").state == "approved"
