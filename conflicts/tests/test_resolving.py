"""Ways out of conflicts with open changesets, after renames, and by force."""

from __future__ import annotations

import pytest

from changesets.edits import WantedEdit
from changesets.errors import Unresolvable
from changesets.models import Changeset
from changesets.reading import readiness
from conflicts.detection import detect
from conflicts.models import Conflict, ConflictEvent
from conflicts.resolution import Resolution, resolve_conflicts
from gitslice.objects.services import put_blobs
from slices.errors import SliceForbidden
from slices.models import SliceRole
from tests.world import World

pytestmark = pytest.mark.django_db

BASE = b"".join(b"line %d\n" % number for number in range(20))
OURS = BASE.replace(b"line 3\n", b"ours\n")
THEIRS = BASE.replace(b"line 3\n", b"theirs\n")
APART = BASE.replace(b"line 15\n", b"apart\n")


@pytest.fixture
def world():
    return World()


@pytest.fixture
def web(world):
    slice = world.slice("web", "shared/**", "web/**")
    world.land(slice, {"shared/a": BASE, "shared/b": BASE})
    return slice


@pytest.fixture
def shop(world, web):
    return world.slice("shop", "shared/**", "shop/**")


def resolve(world: World, changeset: Changeset, **arguments) -> Changeset:
    arguments.setdefault("resolutions", [])
    arguments.setdefault("actor", world.owner)
    fresh = Changeset.objects.select_related("slice__organization", "slice__definition", "patchset").get(
        pk=changeset.pk
    )
    resolved, _ = resolve_conflicts(changeset=fresh, **arguments)
    return Changeset.objects.get(pk=resolved.pk)


def both_open(world, web, shop, theirs: bytes = THEIRS) -> tuple[Changeset, Changeset]:
    one = world.propose(web, {"shared/a": OURS, "shared/b": OURS})
    two = world.propose(shop, {"shared/a": theirs})
    detect(one)
    detect(two)
    return one, two


@pytest.mark.parametrize("later", [False, True])
def test_ours_against_an_open_changeset_holds_until_a_side_changes(world, web, shop, later):
    pair = both_open(world, web, shop)
    changeset = resolve(world, pair[later], for_all="ours")
    assert changeset.current.decisions == {"shared/a": "ours"}
    assert Conflict.objects.get().state == "resolved"
    for one in pair:
        detect(one)
    assert Conflict.objects.get().state == "resolved"
    world.revise(pair[not later], {"shared/a": BASE.replace(b"line 3\n", b"third\n")})
    detect(pair[not later])
    assert Conflict.objects.open().get().path == "shared/a"


def test_theirs_lets_the_path_go(world, web, shop):
    one, two = both_open(world, web, shop)
    one = resolve(world, one, resolutions=[Resolution("shared/a", "theirs")])
    assert [edit.path for edit in one.current.edits.all()] == ["shared/b"]
    assert not Conflict.objects.open().exists()
    world.merge(two)
    world.merge(one)
    assert world.files() == {"shared/a": THEIRS, "shared/b": OURS}


def test_auto_takes_in_what_merges_cleanly(world, web, shop):
    one, two = both_open(world, web, shop, theirs=APART)
    one = resolve(world, one, resolutions=[Resolution("shared/a", "auto")])
    assert not Conflict.objects.open().exists()
    world.merge(two)
    world.merge(one)
    assert world.files()["shared/a"] == OURS.replace(b"line 15\n", b"apart\n")


def test_auto_takes_in_nothing_of_their_older_base(world, web, shop):
    """What landed since stays, however old the other changeset is."""
    one, _ = both_open(world, web, shop, theirs=APART)
    landed = BASE.replace(b"line 10\n", b"landed\n")
    world.land(web, {"shared/a": landed})
    one = resolve(world, one, resolutions=[Resolution("shared/a", "auto")])
    world.merge(one)
    expected = OURS.replace(b"line 15\n", b"apart\n").replace(b"line 10\n", b"landed\n")
    assert world.files()["shared/a"] == expected


def test_auto_takes_in_an_older_changeset(world, web, shop):
    two = world.propose(shop, {"shared/a": APART})
    world.land(web, {"shared/a": BASE.replace(b"line 10\n", b"landed\n")})
    one = world.propose(web, {"shared/a": OURS.replace(b"line 10\n", b"landed\n")})
    detect(two)
    detect(one)
    one = resolve(world, one, resolutions=[Resolution("shared/a", "auto")])
    world.merge(one)
    expected = OURS.replace(b"line 15\n", b"apart\n").replace(b"line 10\n", b"landed\n")
    assert world.files()["shared/a"] == expected


def test_auto_refuses_collisions_where_something_landed_meanwhile(world, web, shop):
    one, _ = both_open(world, web, shop)
    world.land(web, {"shared/a": BASE.replace(b"line 10\n", b"landed\n")})
    with pytest.raises(Unresolvable):
        resolve(world, one, resolutions=[Resolution("shared/a", "auto")])


def test_auto_refuses_what_does_not(world, web, shop):
    one, _ = both_open(world, web, shop)
    with pytest.raises(Unresolvable):
        resolve(world, one, resolutions=[Resolution("shared/a", "auto")])


def test_by_hand_against_an_open_changeset(world, web, shop):
    one, _ = both_open(world, web, shop)
    both = BASE.replace(b"line 3\n", b"both\n")
    ((digest, _),) = put_blobs(user=world.owner, organization=world.organization, contents=[both])
    one = resolve(world, one, resolutions=[Resolution("shared/a", "manual", "100644", digest)])
    assert not Conflict.objects.open().exists()
    world.merge(one)
    assert world.files()["shared/a"] == both


def test_the_history_says_who_chose_what(world, web, shop):
    one, _ = both_open(world, web, shop)
    resolve(world, one, for_all="ours")
    event = ConflictEvent.objects.last()
    assert (event.action, event.actor, event.detail) == (
        "resolved",
        world.owner,
        {"choice": "ours", "patchset": 2},
    )


def renamed_under_us(world, web, shop, new: str, content: bytes | None, ours: bytes = OURS) -> Changeset:
    """They land a rename of the file that our open changeset changes."""
    changeset = world.propose(web, {"shared/a": ours})
    digest = None
    if content is not None:
        ((digest, _),) = put_blobs(user=world.owner, organization=world.organization, contents=[content])
    world.land(shop, [WantedEdit("rename", new, None, digest, "shared/a")])
    return changeset


def test_our_change_follows_their_rename(world, web, shop):
    changeset = renamed_under_us(world, web, shop, "shared/moved", APART)
    (conflict,) = detect(changeset)
    assert (conflict.kind, conflict.severity) == ("rename", "medium")
    assert "renamed the file that you changed to shared/moved" in conflict.hint
    world.merge(resolve(world, changeset, for_all="auto"))
    assert world.files() == {"shared/b": BASE, "shared/moved": OURS.replace(b"line 15\n", b"apart\n")}


def test_it_follows_a_rename_that_nobody_declared(world, web, shop):
    changeset = world.propose(web, {"shared/a": OURS})
    world.land(shop, {"shared/a": None, "shared/moved": APART})
    assert detect(changeset)[0].kind == "rename"
    world.merge(resolve(world, changeset, for_all="auto"))
    assert world.files()["shared/moved"] == OURS.replace(b"line 15\n", b"apart\n")


def test_it_does_not_follow_out_of_the_slice(world, web, shop):
    changeset = renamed_under_us(world, web, shop, "shop/moved", None)
    assert detect(changeset)[0].kind == "rename"
    with pytest.raises(Unresolvable):
        resolve(world, changeset, for_all="auto")
    world.merge(resolve(world, changeset, for_all="ours"))
    assert world.files()["shared/a"] == OURS


def test_it_does_not_follow_where_contents_collide(world, web, shop):
    changeset = renamed_under_us(world, web, shop, "shared/moved", THEIRS)
    (conflict,) = detect(changeset)
    assert (conflict.kind, conflict.severity) == ("rename", "critical")
    with pytest.raises(Unresolvable):
        resolve(world, changeset, for_all="auto")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("shared/new", "shared/new/deep/file"), ("shared/new/deep/file", "shared/new")],
)
def test_force_clears_what_stands_in_the_way(world, web, shop, ours, theirs):
    changeset = world.propose(web, {ours: b"ours\n"})
    world.land(shop, {theirs: b"theirs\n"})
    assert detect(changeset)[0].kind == "file_folder"
    with pytest.raises(Unresolvable):
        resolve(world, changeset, for_all="ours")
    world.merge(resolve(world, changeset, resolutions=[Resolution(ours, "force")]))
    files = world.files()
    assert files[ours] == b"ours\n"
    assert theirs not in files


def test_force_is_for_maintainers(world, web, shop):
    changeset = world.propose(web, {"shared/a": OURS})
    world.land(shop, {"shared/a": THEIRS})
    writer = world.writer(web, "writer")
    with pytest.raises(SliceForbidden):
        resolve(world, changeset, actor=writer, resolutions=[Resolution("shared/a", "force")])
    maintainer = world.writer(web, "maintainer", SliceRole.Role.MAINTAINER)
    resolve(world, changeset, actor=maintainer, resolutions=[Resolution("shared/a", "force")])


def test_an_open_conflict_with_an_open_changeset_does_not_keep_from_landing(world, web, shop):
    one, two = both_open(world, web, shop)
    assert readiness(one).verdict == readiness(two).verdict == "ready_for_merge"
    world.merge(one)
    assert readiness(two).verdict == "has_conflicts"
