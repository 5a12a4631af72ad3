from __future__ import annotations

import pytest

from changesets.errors import StalePatchset, Unresolvable
from changesets.models import Changeset
from changesets.reading import readiness
from changesets.services import abandon_changeset
from conflicts.detection import detect
from conflicts.models import Conflict
from conflicts.open_edits import touched_changesets
from conflicts.resolution import Resolution, resolve_conflicts
from conflicts.tasks import detect_conflicts, detect_for_paths
from gitslice.objects.services import put_blobs
from slices.errors import SliceForbidden
from tests.world import World

pytestmark = pytest.mark.django_db

BASE = b"one\ntwo\nthree\n"
OURS = b"one\nours\nthree\n"
THEIRS = b"one\ntheirs\nthree\n"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def changeset(world) -> Changeset:
    """Open in `web`; collides with what `shop` has landed at shared/a, and with nothing at shared/b."""
    web, shop = world.slice("web", "shared/**"), world.slice("shop", "shared/**")
    world.land(web, {"shared/a": BASE, "shared/b": BASE})
    changeset = world.propose(web, {"shared/a": OURS, "shared/b": OURS})
    world.land(shop, {"shared/a": THEIRS})
    return changeset


def resolve(world: World, changeset: Changeset, **arguments) -> Changeset:
    arguments.setdefault("resolutions", [])
    resolved, _ = resolve_conflicts(actor=world.owner, changeset=changeset, **arguments)
    return Changeset.objects.get(pk=resolved.pk)


def test_detection_stores_one_row_a_collision_however_often_it_runs(changeset):
    for _ in range(3):
        (conflict,) = detect(changeset)
    assert Conflict.objects.count() == 1
    assert (conflict.path, conflict.kind, conflict.severity, conflict.state) == (
        "shared/a",
        "content",
        "high",
        "open",
    )
    assert conflict.their_commit.slice.name == "shop"
    assert conflict.hunks[0]["ours"] == ["ours"]


def test_a_collision_that_is_gone_becomes_obsolete(world, changeset):
    detect(changeset)
    world.land(world.organization.slices.get(name="shop"), {"shared/a": BASE})
    assert detect(changeset) == []
    assert Conflict.objects.get().state == "obsolete"


def test_what_landed_and_merges_cleanly_is_known_and_blocks_nothing(world, changeset):
    world.land(
        world.organization.slices.get(name="shop"), {"shared/b": b"one\ntwo\nthree\nfour\nfive\nsix\n"}
    )
    severities = {conflict.path: conflict.severity for conflict in detect(changeset)}
    assert severities == {"shared/a": "high", "shared/b": "low"}
    assert [conflict.path for conflict in changeset.conflicts.blocking()] == ["shared/a"]


def test_a_closed_changeset_has_no_open_conflicts(world, changeset):
    detect(changeset)
    abandon_changeset(actor=world.owner, changeset=changeset)
    detect_conflicts(changeset.pk)
    assert Conflict.objects.get().state == "obsolete"


def test_a_landing_concerns_open_changesets_that_edit_its_paths(world, changeset):
    organization = world.organization.pk
    detect(changeset)
    assert list(touched_changesets(organization, ["shared/a"])) == [changeset.pk]
    assert list(touched_changesets(organization, ["shared/unknown"])) == []
    assert detect_for_paths(organization, changeset.pk, ["shared/a"]) == 1


@pytest.mark.parametrize(("choice", "landed"), [("ours", OURS), ("theirs", THEIRS)])
def test_choosing_a_side_makes_a_patchset_on_the_head_that_lands(world, changeset, choice, landed):
    detect(changeset)
    changeset = resolve(world, changeset, for_all=choice)
    assert changeset.current.number == 2
    assert changeset.current.decisions == {"shared/a": choice}
    conflict = Conflict.objects.get()
    assert (conflict.state, conflict.resolution, conflict.resolved_by) == ("resolved", choice, world.owner)
    world.merge(changeset)
    assert world.files() == {"shared/a": landed, "shared/b": OURS}


def test_a_changeset_of_which_nothing_is_left_is_not_ready(world):
    web, shop = world.slice("web", "shared/**"), world.slice("shop", "shared/**")
    world.land(web, {"shared/a": BASE})
    changeset = world.propose(web, {"shared/a": OURS})
    world.land(shop, {"shared/a": THEIRS})
    changeset = resolve(world, changeset, for_all="theirs")
    assert changeset.current.file_count == 0
    state = readiness(changeset)
    assert state.verdict == "needs_rebase"
    assert "abandon" in state.warnings[0]


def test_content_by_hand(world, changeset):
    both = b"one\nours and theirs\nthree\n"
    ((digest, _),) = put_blobs(user=world.owner, organization=world.organization, contents=[both])
    changeset = resolve(world, changeset, resolutions=[Resolution("shared/a", "manual", "100644", digest)])
    world.merge(changeset)
    assert world.files()["shared/a"] == both


def test_deleting_by_hand(world, changeset):
    changeset = resolve(world, changeset, resolutions=[Resolution("shared/a", "manual")])
    world.merge(changeset)
    assert "shared/a" not in world.files()


def test_auto_is_for_what_merges_cleanly(world, changeset):
    with pytest.raises(Unresolvable):
        resolve(world, changeset, for_all="auto")


def test_a_path_without_conflict_is_refused(world, changeset):
    with pytest.raises(Unresolvable):
        resolve(world, changeset, resolutions=[Resolution("shared/b", "ours")])


def test_who_comes_second_is_told(world, changeset):
    stale = Changeset.objects.select_related("organization", "slice__organization", "patchset").get(
        pk=changeset.pk
    )
    resolve(world, changeset, for_all="ours")
    with pytest.raises(StalePatchset):
        resolve_conflicts(actor=world.owner, changeset=stale, resolutions=[], for_all="theirs")


def test_readers_do_not_resolve(world, changeset):
    with pytest.raises(SliceForbidden):
        resolve_conflicts(actor=world.user("reader"), changeset=changeset, resolutions=[], for_all="ours")


def test_who_may_not_see_the_slice_sees_no_conflict(world, changeset):
    detect(changeset)
    changeset.slice.visibility = "private"
    changeset.slice.save(update_fields=["visibility"])
    assert Conflict.objects.visible_to(world.owner).count() == 1
    assert Conflict.objects.visible_to(world.user("member")).count() == 0
