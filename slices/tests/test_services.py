"""Creating, editing and forking slices: who may, over what, and what it leaves behind."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent, Membership
from accounts.people.teams import create_team
from gitslice.common.errors import InvalidRequest, NameTaken, PermissionDenied
from slices.access import Access
from slices.errors import FolderOutsideSlice, InvalidPattern, PathNotFound, SliceForbidden
from slices.models import Slice, SliceLog, SlicePrefix, SliceRole
from slices.reach import BeyondSight
from slices.roles import owner_names
from slices.services import SliceEdit, create_slice, edit_slice, fork_slice
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World()


def make(world, actor, *includes, name="new", **more):
    return create_slice(actor=actor, organization=world.organization, name=name, includes=includes, **more)


def test_an_organization_has_a_private_root(world):
    root = world.root
    assert (root.visibility, root.definition.includes, root.definition.version) == ("private", ["**"], 1)
    assert not SlicePrefix.objects.filter(slice=root).exists()


def test_a_slice_over_paths_that_do_not_exist_yet_is_empty(world):
    slice = make(world, world.owner, "services/billing/**", "docs/*.md")
    assert slice.head_id is None
    assert set(slice.prefixes.values_list("prefix", flat=True)) == {"services/billing", "docs"}
    assert owner_names(slice) == ["acme-owner"]


def test_a_new_slice_has_the_commits_that_touched_its_paths(world):
    first = world.land(world.root, {"a/x": b"1", "b/y": b"1"})
    world.land(world.root, {"b/y": b"2"})
    third = world.land(world.root, {"a/z": b"3"})
    slice = make(world, world.owner, "a/**")
    assert list(SliceLog.objects.filter(slice=slice).order_by("seq").values_list("seq", flat=True)) == [
        first.seq,
        third.seq,
    ]
    assert world.fresh(slice).head == third


def test_names_are_checked_and_unique(world):
    make(world, world.owner, "a/**", name="same")
    for name in ("same", "root"):
        with pytest.raises(NameTaken):
            make(world, world.owner, "a/**", name=name)
    for name in ("", "Upper", "a/b", "a b", "-a", "x" * 65):
        with pytest.raises(InvalidRequest):
            make(world, world.owner, "a/**", name=name)


def test_nothing_is_left_of_a_refused_slice(world):
    for includes in (["/a"], [], ["a/../b"]):
        with pytest.raises(InvalidPattern):
            make(world, world.owner, *includes)
    with pytest.raises(InvalidRequest):
        make(world, world.owner, "a/**", owners=["nobody"])
    assert not Slice.objects.filter(name="new").exists()


def test_strangers_make_no_slices(world):
    with pytest.raises(PermissionDenied):
        make(world, world.user("stranger", None), "a/**")


def test_owners_are_users_and_teams_of_the_organization(world):
    ada, bea = world.user("ada"), world.user("bea")
    team = create_team(actor=world.owner, organization=world.organization, slug="core", members=[bea])
    slice = make(world, world.owner, "a/**", owners=["ada", "team:core"])
    assert owner_names(slice) == ["ada", "team:core"]
    assert Access(slice, ada).can_maintain
    assert Access(slice, bea).can_maintain
    team.members.clear()
    assert Access(slice, bea).role == "reader"
    with pytest.raises(InvalidRequest, match="team:none"):
        edit_slice(actor=ada, slice=slice, edit=SliceEdit(owners=["team:none"]))
    edit_slice(actor=ada, slice=slice, edit=SliceEdit(owners=["bea"]))
    assert owner_names(slice) == ["bea"]
    assert not Access(slice, ada).can_maintain
    with pytest.raises(InvalidRequest, match="needs an owner"):
        edit_slice(actor=bea, slice=slice, edit=SliceEdit(owners=[]))


def test_roles_come_from_organization_slice_team_and_visibility(world):
    slice = make(world, world.owner, "a/**", visibility="private")
    member, stranger = world.user("member"), world.user("stranger", None)
    admin = world.user("admin", Membership.Role.ADMIN)
    assert Access(slice, admin).role == "maintainer"
    assert Access(slice, member).role is None
    slice.visibility = "organization"
    assert (Access(slice, member).role, Access(slice, stranger).role) == ("reader", None)
    slice.visibility = "public"
    assert (Access(slice, member).role, Access(slice, stranger).role) == ("reader", "reader")
    SliceRole.objects.create(slice=slice, user=stranger, role="writer")
    assert Access(slice, stranger).role == "writer"
    with pytest.raises(SliceForbidden):
        Access(slice, stranger).require_maintainer()
    Access(slice, stranger).require_writer()
    with pytest.raises(SliceForbidden):
        Access(slice, member).require_writer()


def test_members_define_slices_only_of_what_they_can_read(world):
    member = world.user("member")
    world.slice("open", "shared/**", excludes=["shared/secret/**"])
    world.slice("closed", "private/**", visibility="private")
    with pytest.raises(BeyondSight):
        make(world, member, "private/**")
    with pytest.raises(BeyondSight):
        make(world, member, "**")
    with pytest.raises(BeyondSight, match="shared/secret"):
        make(world, member, "shared/**")
    make(world, member, "shared/**", excludes=["shared/secret/**"], name="one")
    make(world, member, "shared/app/**", name="two")  # its exclude has no say there
    with pytest.raises(BeyondSight):
        make(world, member, "shared/app/**", "elsewhere", name="three")


def test_members_do_not_publish_what_is_private(world):
    closed = world.slice("closed", "private/**", visibility="private")
    member = world.writer(closed, "member", "reader")
    with pytest.raises(BeyondSight):
        make(world, member, "private/x/**")
    own = make(world, member, "private/x/**", visibility="private")
    for visibility in ("organization", "public"):
        with pytest.raises(BeyondSight):
            edit_slice(actor=member, slice=own, edit=SliceEdit(visibility=visibility))
    edit_slice(actor=world.owner, slice=own, edit=SliceEdit(visibility="organization"))


def test_an_edit_makes_a_chained_definition(world):
    slice = make(world, world.owner, "a/**")
    first = slice.definition
    edit_slice(actor=world.owner, slice=slice, edit=SliceEdit(add=["b/**"], excludes=["b/x"]))
    slice = world.fresh(slice)
    assert (slice.definition.version, slice.definition.includes) == (2, ["a/**", "b/**"])
    assert bytes(slice.definition.parent_digest) == bytes(first.digest)
    edit_slice(actor=world.owner, slice=slice, edit=SliceEdit(remove=["a/**"]))
    slice = world.fresh(slice)
    assert (slice.definition.version, slice.definition.includes) == (3, ["b/**"])
    assert set(slice.prefixes.values_list("prefix", flat=True)) == {"b"}
    edit_slice(actor=world.owner, slice=slice, edit=SliceEdit(includes=["b/**"]))
    assert world.fresh(slice).definition.version == 3  # nothing new
    with pytest.raises(InvalidRequest, match="not one of"):
        edit_slice(actor=world.owner, slice=slice, edit=SliceEdit(remove=["zzz"]))
    with pytest.raises(InvalidPattern):
        edit_slice(actor=world.owner, slice=slice, edit=SliceEdit(remove=["b/**"]))


def test_a_maintainer_keeps_what_admins_gave(world):
    slice = world.slice("wide", "private/**", "other/**", visibility="private")
    maintainer = world.writer(slice, "maintainer", "maintainer")
    edit_slice(actor=maintainer, slice=slice, edit=SliceEdit(remove=["other/**"], add=["private/x/**"]))
    with pytest.raises(BeyondSight):
        edit_slice(actor=maintainer, slice=slice, edit=SliceEdit(add=["other/**"]))


def test_policy_visibility_and_lock(world):
    slice = make(world, world.owner, "a/**")
    edit = SliceEdit(
        description="d",
        visibility="private",
        auto_merge="off",
        conflicts="file",
        required_approvals=2,
        locked=True,
    )
    edited = edit_slice(actor=world.owner, slice=slice, edit=edit)
    assert (edited.description, edited.visibility, edited.auto_merge) == ("d", "private", "off")
    assert (edited.conflict_policy, edited.required_approvals, edited.locked) == ("file", 2, True)
    for wrong in (
        {"visibility": "x"},
        {"auto_merge": "x"},
        {"conflicts": "x"},
        {"required_approvals": -1},
        {"description": "x" * 10_001},
    ):
        with pytest.raises(InvalidRequest):
            edit_slice(actor=world.owner, slice=slice, edit=SliceEdit(**wrong))
    event = AuditEvent.objects.filter(action="slice.edit", object="acme/new").get()
    assert event.detail["required_approvals"] == 2
    assert "includes" not in event.detail


def test_only_maintainers_edit_and_nobody_redefines_root(world):
    slice = make(world, world.owner, "a/**")
    with pytest.raises(SliceForbidden):
        edit_slice(actor=world.writer(slice, "writer"), slice=slice, edit=SliceEdit(description="mine"))
    with pytest.raises(SliceForbidden):
        edit_slice(actor=world.owner, slice=world.root, edit=SliceEdit(includes=["a/**"]))
    assert edit_slice(actor=world.owner, slice=world.root, edit=SliceEdit(locked=True)).locked


def test_a_fork_covers_a_folder_with_its_excludes(world):
    world.land(world.root, {"src/app/a.py": b"1", "src/lib/b.py": b"2", "src/[x]/c": b"3"})
    source = world.slice("source", "src/**", excludes=["src/app/secret/**", "src/lib/x", "**/*.bin"])
    member = world.user("member")
    fork = fork_slice(actor=member, source=source, name="fork", folder="src/app/")
    assert (fork.definition.includes, fork.definition.excludes) == (
        ["src/app/**"],
        ["src/app/secret/**", "**/*.bin"],
    )
    assert fork.visibility == source.visibility
    odd = fork_slice(actor=member, source=source, name="odd", folder="src/[x]")
    assert odd.definition.includes == ["src/[[]x]/**"]
    assert odd.head is not None
    with pytest.raises(FolderOutsideSlice):
        fork_slice(actor=member, source=source, name="no", folder="other")
    with pytest.raises(PathNotFound):
        fork_slice(actor=member, source=source, name="no", folder="src/none")
