"""Teams: nested once, made of members, and what they may do in slices."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from accounts import services
from accounts.errors import NestedTooDeep
from accounts.models import AuditEvent, Membership, Team
from accounts.people.teams import add_to_team, change_team, create_team
from gitslice.common.errors import InvalidRequest, NameTaken
from slices.access import Access, find_access
from slices.granting import grant_role
from slices.models import Slice
from slices.reading import find_slices
from slices.services import create_slice
from tests.api import Api, code_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


@pytest.fixture
def api(world) -> Api:
    return Api(world.token(world.owner))


def team(world: World, slug: str, parent: Team | None = None, members=()) -> Team:
    return create_team(
        actor=world.owner, organization=world.organization, slug=slug, parent=parent, members=members
    )


def test_members_of_a_child_count_as_members_of_the_parent(world):
    ann, bob = world.user("ann"), world.user("bob")
    platform = team(world, "platform", members=[bob])
    storage = team(world, "storage", platform, [ann])
    slice = world.slice("disk", "disk/**", visibility="private")
    assert find_access(ann, "acme", "disk") is None
    grant_role(actor=world.owner, slice=slice, name="team:platform", role="writer")
    for user in (ann, bob):
        assert Access(slice, user).role == "writer"
        assert find_access(user, "acme", "disk") is not None
        assert slice in Slice.objects.visible_to(user)
        assert slice in find_slices(user, mine=True)
    grant_role(actor=world.owner, slice=slice, name="team:storage", role="maintainer")
    assert (Access(slice, ann).role, Access(slice, bob).role) == ("maintainer", "writer")
    change_team(actor=world.owner, team=storage, parent=None)
    storage.members.clear()
    assert Access(slice, ann).role is None
    assert slice not in Slice.objects.visible_to(ann)


def test_members_of_a_child_own_what_the_parent_owns(world):
    world.slice("all", "disk/**")
    ann = world.user("ann")
    platform = team(world, "platform")
    team(world, "storage", platform, [ann])
    made = create_slice(
        actor=ann,
        organization=world.organization,
        name="disk",
        includes=["disk/**"],
        owners=["team:platform"],
    )
    assert Access(made, ann).can_maintain
    assert not made.roles.filter(user=ann).exists()


def test_teams_are_nested_once(world):
    top, other = team(world, "top"), team(world, "other")
    below = team(world, "below", top)
    for child, parent in ((other, below), (top, other), (top, top)):
        with pytest.raises(NestedTooDeep):
            change_team(actor=world.owner, team=child, parent=parent)
    elsewhere = World("else")
    theirs = team(elsewhere, "theirs")
    with pytest.raises(Exception, match="no team"):
        change_team(actor=world.owner, team=other, parent=theirs)


def test_the_admin_nests_no_deeper(world):
    top, other = team(world, "top"), team(world, "other")
    below = team(world, "below", top)
    for child, parent in ((other, below), (top, other), (top, top), (other, team(World("else"), "theirs"))):
        child.parent = parent
        with pytest.raises(ValidationError):
            child.full_clean()


def test_only_members_are_in_teams(world):
    stranger = services.create_user(username="stranger")
    core = team(world, "core")
    with pytest.raises(InvalidRequest):
        add_to_team(actor=world.owner, team=core, users=[stranger])
    with pytest.raises(InvalidRequest):
        team(world, "more", members=[stranger])


@pytest.mark.parametrize("slug", ["", "Core", "a b", "-", "x" * 65, "a\0"])
def test_teams_have_plain_names(world, slug):
    with pytest.raises(InvalidRequest):
        team(world, slug)


def test_a_team_by_the_api(world, api):
    for name in ("ann", "bob"):
        world.user(name)
    made = api.post("teams/acme/", {"team": "core", "name": "Core people", "members": ["ann"]})
    assert made.status_code == 201
    assert made.json() == {
        "organization": "acme",
        "team": "core",
        "name": "Core people",
        "parent": None,
        "member_count": 1,
        "children": [],
    }
    assert code_of(api.post("teams/acme/", {"team": "core"})) == (409, "name_taken")
    assert api.post("teams/acme/", {"team": "web", "parent": "core", "members": ["bob"]}).status_code == 201
    assert [row["team"] for row in api.get("teams/acme/").json()["items"]] == ["core", "web"]
    assert api.get("teams/acme/core/").json()["children"] == ["web"]
    people = api.get("teams/acme/core/members/").json()["items"]
    assert [(row["user"], row["own"], row["through"]) for row in people] == [
        ("ann", True, []),
        ("bob", False, ["web"]),
    ]
    assert api.post("teams/acme/core/members/", {"user": "bob"}).json()["member_count"] == 2
    assert api.delete("teams/acme/core/members/bob/").status_code == 204
    assert code_of(api.post("teams/acme/core/members/", {"user": "nobody"}))[0] == 400
    changed = api.patch("teams/acme/web/", {"team": "pages", "name": "Pages", "parent": None}).json()
    assert (changed["team"], changed["name"], changed["parent"]) == ("pages", "Pages", None)
    assert code_of(api.get("teams/acme/web/")) == (404, "not_found")
    assert api.delete("teams/acme/core/").status_code == 204
    assert AuditEvent.objects.filter(action__startswith="team.").count() == 6


def test_deleting_a_parent_frees_its_children_and_ends_its_roles(world, api):
    ann = world.user("ann")
    top = team(world, "top")
    team(world, "below", top, [ann])
    slice = world.slice("web", "web/**", visibility="private")
    grant_role(actor=world.owner, slice=slice, name="team:top", role="reader")
    assert Access(slice, ann).role == "reader"
    api.delete("teams/acme/top/")
    assert Access(slice, ann).role is None
    assert api.get("teams/acme/below/").json()["parent"] is None


def test_teams_are_for_members_to_see_and_admins_to_change(world, api):
    team(world, "core")
    ann = Api(world.token(world.user("ann")))
    assert ann.get("teams/acme/core/").status_code == 200
    assert code_of(ann.patch("teams/acme/core/", {"name": "x"})) == (403, "permission_denied")
    assert code_of(ann.delete("teams/acme/core/"))[0] == 403
    assert code_of(ann.post("teams/acme/", {"team": "x"}))[0] == 403
    assert code_of(ann.post("teams/acme/core/members/", {"user": "ann"}))[0] == 403
    stranger = Api(world.token(World("other").owner))
    for path in ("teams/acme/", "teams/acme/core/", "teams/acme/core/members/"):
        assert code_of(stranger.get(path)) == (404, "organization_not_found")
    admin = Api(world.token(world.user("admin", Membership.Role.ADMIN)))
    assert admin.patch("teams/acme/core/", {"name": "x"}).status_code == 200


def test_the_list_costs_the_same_for_many(world, api, django_assert_num_queries):
    api.get("me/")
    top = team(world, "top")
    with django_assert_num_queries(4):
        api.get("teams/acme/")
    for number in range(20):
        team(world, f"team{number}", top)
    with django_assert_num_queries(4):
        assert len(api.get("teams/acme/").json()["items"]) == 21
    with django_assert_num_queries(5):
        api.get("teams/acme/top/members/")


def test_a_name_is_taken_once_and_renaming_too(world):
    team(world, "core")
    other = team(world, "other")
    with pytest.raises(NameTaken):
        change_team(actor=world.owner, team=other, slug="core")
