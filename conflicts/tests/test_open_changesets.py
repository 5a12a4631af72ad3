"""Conflicts between changesets that are both open."""

from __future__ import annotations

import random

import pytest

from changesets.edits import WantedEdit
from changesets.errors import Unresolvable
from changesets.models import Changeset
from changesets.services import abandon_changeset
from conflicts.detection import detect
from conflicts.models import Conflict, ConflictEvent, OpenEdit
from conflicts.open_edits import gaps
from conflicts.resolution import resolve_conflicts
from conflicts.tasks import detect_conflicts, detect_for_paths, sweep
from gitslice.objects.services import put_blobs
from slices.reading import slice_status
from tests.world import World

pytestmark = pytest.mark.django_db

BASE = b"".join(b"line %d\n" % number for number in range(20))


def changed(line: int, text: bytes) -> bytes:
    lines = BASE.splitlines(keepends=True)
    lines[line] = text + b"\n"
    return b"".join(lines)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def web(world):
    slice = world.slice("web", "shared/**", "web/**")
    world.land(slice, {"shared/a": BASE, "shared/b": BASE, "web/c": BASE})
    return slice


@pytest.fixture
def shop(world, web):
    return world.slice("shop", "shared/**", "shop/**")


def found(*changesets: Changeset) -> dict[tuple[str, str, str], tuple[str, str]]:
    """(ours, theirs, path) -> (kind, severity) of the open conflicts between open changesets."""
    for changeset in changesets:
        detect(changeset)
    rows = Conflict.objects.open().filter(their_changeset__isnull=False)
    return {
        (str(row.changeset), str(row.their_changeset), row.path): (row.kind, row.severity) for row in rows
    }


def renaming(world: World, old: str, new: str, content: bytes | None = None) -> list[WantedEdit]:
    digest = None
    if content is not None:
        ((digest, _),) = put_blobs(user=world.owner, organization=world.organization, contents=[content])
    return [WantedEdit("rename", new, None, digest, old)]


def test_both_change_the_same_line(world, web, shop):
    one = world.propose(web, {"shared/a": changed(3, b"ours")})
    two = world.propose(shop, {"shared/a": changed(3, b"theirs"), "shared/b": changed(1, b"only here")})
    assert found(one, two) == {(str(one), str(two), "shared/a"): ("content", "high")}


def test_a_choice_for_all_needs_something_to_choose(world, web, shop):
    one = world.propose(web, {"shared/a": changed(3, b"ours")})
    two = world.propose(shop, {"shared/a": changed(15, b"theirs")})
    assert found(one, two) == {(str(one), str(two), "shared/a"): ("content", "low")}
    with pytest.raises(Unresolvable, match="merges cleanly"):
        resolve_conflicts(actor=world.owner, changeset=one, resolutions=[], for_all="ours")


def test_both_slices_have_conflicts_until_one_side_goes(world, web, shop):
    one = world.propose(web, {"shared/a": changed(3, b"ours")})
    two = world.propose(shop, {"shared/a": changed(3, b"theirs")})
    found(one, two)
    for slice in (web, shop):
        status = slice_status(slice)
        assert (status["health"], status["open_conflicts"]) == ("conflicts", 1)
    abandon_changeset(actor=world.owner, changeset=two, reason="")
    found(one, two)
    assert slice_status(web)["health"] == slice_status(shop)["health"] == "healthy"


def test_it_is_found_from_either_side_and_stored_once(world, web, shop):
    one = world.propose(web, {"shared/a": changed(3, b"ours")})
    two = world.propose(shop, {"shared/a": changed(3, b"theirs")})
    detect(two)  # the older one was never looked at
    assert Conflict.objects.count() == 0
    for changeset in (one, two, one, one):
        detect(changeset)
    assert Conflict.objects.count() == 1
    assert ConflictEvent.objects.count() == 1


def test_changes_of_different_lines_are_low(world, web, shop):
    one = world.propose(web, {"shared/a": changed(3, b"ours")})
    two = world.propose(shop, {"shared/a": changed(15, b"theirs")})
    assert found(one, two) == {(str(one), str(two), "shared/a"): ("content", "low")}


def test_white_space_and_formatting_are_medium(world, web, shop):
    one = world.propose(web, {"shared/a": changed(3, b"call('a', b)")})
    two = world.propose(shop, {"shared/a": changed(3, b'call("a",  b,)')})
    assert found(one, two) == {(str(one), str(two), "shared/a"): ("content", "medium")}


def test_one_deletes_what_the_other_changes(world, web, shop):
    one = world.propose(web, {"shared/a": None})
    two = world.propose(shop, {"shared/a": changed(3, b"theirs")})
    assert found(one, two) == {(str(one), str(two), "shared/a"): ("modify_delete", "critical")}


def test_a_file_against_a_folder(world, web, shop):
    one = world.propose(web, {"shared/new": b"a file\n"})
    two = world.propose(shop, {"shared/new/deep/file": b"below it\n"})
    assert found(one, two) == {(str(one), str(two), "shared/new"): ("file_folder", "critical")}
    assert Conflict.objects.get().their_path == "shared/new/deep/file"


def test_a_folder_against_a_file(world, web, shop):
    one = world.propose(web, {"shared/new/deep/file": b"below it\n"})
    two = world.propose(shop, {"shared/new": b"a file\n"})
    assert found(two, one) == {(str(one), str(two), "shared/new/deep/file"): ("file_folder", "critical")}


def test_both_rename_a_file_differently(world, web, shop):
    one = world.propose(web, renaming(world, "shared/a", "shared/x"))
    two = world.propose(shop, renaming(world, "shared/a", "shared/y"))
    assert found(one, two) == {(str(one), str(two), "shared/a"): ("rename", "critical")}


def test_a_change_of_a_renamed_file_can_follow(world, web, shop):
    one = world.propose(web, renaming(world, "shared/a", "shared/x"))
    two = world.propose(shop, {"shared/a": changed(3, b"theirs")})
    assert found(one, two) == {(str(one), str(two), "shared/a"): ("rename", "low")}


def test_a_rename_is_known_by_its_content_when_nobody_declares_it(world, web, shop):
    one = world.propose(web, {"shared/a": changed(3, b"theirs")})
    two = world.propose(shop, {"shared/a": None, "shared/moved": changed(15, b"and changed")})
    assert found(one, two) == {(str(one), str(two), "shared/a"): ("rename", "low")}
    assert "shared/moved" in Conflict.objects.get().hint


def test_a_changed_file_is_no_rename_when_little_is_left_of_it(world, web, shop):
    one = world.propose(web, {"shared/a": changed(3, b"theirs")})
    two = world.propose(shop, {"shared/a": None, "shared/other": b"something else entirely\n" * 20})
    assert found(one, two) == {(str(one), str(two), "shared/a"): ("modify_delete", "critical")}


def test_different_bases_have_the_older_one_in_common(world, web, shop):
    one = world.propose(web, {"shared/a": changed(3, b"ours")})
    world.land(shop, {"shared/a": changed(15, b"landed")})
    merged = changed(15, b"landed").replace(b"line 8\n", b"theirs\n")
    two = world.propose(shop, {"shared/a": merged})
    assert found(one, two) == {(str(one), str(two), "shared/a"): ("content", "low")}


@pytest.mark.parametrize("closes", ["abandoned", "landed"])
def test_it_ends_with_the_other_side(world, web, shop, closes):
    one = world.propose(web, {"shared/a": changed(3, b"ours")})
    two = world.propose(shop, {"shared/a": changed(3, b"theirs")})
    found(one, two)
    if closes == "abandoned":
        abandon_changeset(actor=world.owner, changeset=two)
        detect_conflicts(two.pk)
    else:
        world.merge(two)
        detect_for_paths(world.organization.pk, two.pk, ["shared/a"])
        detect_conflicts(one.pk, False)
    assert found() == {}
    assert OpenEdit.objects.filter(changeset=two).count() == 0
    landed = Conflict.objects.open().with_landed()
    assert [(row.changeset, row.severity) for row in landed] == (
        [(one, "high")] if closes == "landed" else []
    )


def test_a_new_patchset_updates_or_ends_it(world, web, shop):
    one = world.propose(web, {"shared/a": changed(3, b"ours")})
    two = world.propose(shop, {"shared/a": changed(3, b"theirs")})
    found(one, two)
    two = world.revise(two, {"shared/a": changed(15, b"elsewhere")})
    assert found(two) == {(str(one), str(two), "shared/a"): ("content", "low")}
    two = world.revise(two, {"shared/b": changed(15, b"elsewhere")})
    assert found(two) == {}
    actions = list(ConflictEvent.objects.values_list("action", flat=True))
    assert actions == ["opened", "updated", "obsolete"]


def test_the_sweep_finds_what_lost_messages_left(world, web, shop):
    one = world.propose(web, {"shared/a": changed(3, b"ours")})
    two = world.propose(shop, {"shared/a": changed(3, b"theirs")})
    assert gaps() == [one.pk, two.pk]
    found(one, two)
    assert gaps() == []
    world.land(shop, {"shared/a": changed(9, b"landed")})
    assert gaps() == [one.pk, two.pk]
    found(one, two)
    abandon_changeset(actor=world.owner, changeset=two)
    assert two.pk in gaps()
    found(one, two)
    assert gaps() == []
    assert sweep() == 0


def test_whatever_happens_in_whatever_order_the_rows_end_the_same(world, web, shop):
    """Detection that is late, twice, or out of order ends in the rows of one that is prompt."""
    chance = random.Random(7)
    slices = (web, shop)
    opened: list[Changeset] = []
    for _ in range(40):
        act = chance.random()
        if act < 0.5 or not opened:
            files = {
                f"shared/{name}": changed(chance.randrange(20), b"%d" % chance.randrange(99))
                for name in chance.sample("ab", chance.randint(1, 2))
            }
            opened.append(world.propose(chance.choice(slices), files))
        elif act < 0.65:
            changeset = chance.choice(opened)
            world.revise(changeset, {"shared/a": changed(chance.randrange(20), b"%d" % chance.randrange(99))})
        elif act < 0.8:
            abandon_changeset(actor=world.owner, changeset=opened.pop(chance.randrange(len(opened))))
        else:
            world.land(
                chance.choice(slices),
                {"shared/b": changed(chance.randrange(20), b"%d" % chance.randrange(99))},
            )
        if opened and chance.random() < 0.4:
            detect_conflicts(chance.choice(opened).pk)
    for pk in gaps():
        detect_conflicts(pk)
    assert gaps() == []
    late = rows()
    Conflict.objects.all().delete()
    OpenEdit.objects.all().delete()
    for pk in gaps():
        detect_conflicts(pk)
    assert rows() == late


def rows() -> set[tuple[object, ...]]:
    names = ("changeset", "their_changeset", "path", "kind", "severity", "their_commit", "patchset")
    return set(Conflict.objects.open().values_list(*names))
