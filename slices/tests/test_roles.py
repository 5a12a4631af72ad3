"""Roles of users and teams in a slice, by the API."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent
from accounts.people.teams import create_team
from slices.access import Access
from slices.models import SliceRole
from tests.api import Api, code_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


def test_roles_are_given_changed_and_taken(world):
    slice = world.slice("web", "web/**", visibility="private")
    ann = world.user("ann")
    bob = world.user("bob")
    create_team(actor=world.owner, organization=world.organization, slug="core", members=[bob])
    api = Api(world.token(world.owner))
    given = api.post("slices/acme/web/roles/", {"name": "ann", "role": "reader"})
    assert given.json() == {"name": "ann", "kind": "user", "role": "reader", "active": True}
    api.post("slices/acme/web/roles/", {"name": "team:core", "role": "writer"})
    api.post("slices/acme/web/roles/", {"name": "ann", "role": "maintainer"})
    assert (Access(slice, ann).role, Access(slice, bob).role) == ("maintainer", "writer")
    listed = api.get("slices/acme/web/roles/").json()["items"]
    assert [(row["name"], row["kind"], row["role"]) for row in listed] == [
        ("acme-owner", "user", "maintainer"),
        ("ann", "user", "maintainer"),
        ("team:core", "team", "writer"),
    ]
    assert api.delete("slices/acme/web/roles/team:core/").status_code == 204
    assert Access(slice, bob).role is None
    assert code_of(api.delete("slices/acme/web/roles/team:core/")) == (404, "not_found")
    assert AuditEvent.objects.filter(action="slice.roles").count() == 4


def test_a_slice_keeps_an_owner(world):
    world.slice("web", "web/**")
    world.user("ann")
    api = Api(world.token(world.owner))
    me = {"name": "acme-owner", "role": "reader"}
    assert code_of(api.post("slices/acme/web/roles/", me)) == (400, "invalid_request")
    assert code_of(api.delete("slices/acme/web/roles/acme-owner/")) == (400, "invalid_request")
    api.post("slices/acme/web/roles/", {"name": "ann", "role": "maintainer"})
    assert api.delete("slices/acme/web/roles/acme-owner/").status_code == 204


def test_maintainers_give_roles_to_members(world):
    slice = world.slice("web", "web/**")
    writer = Api(world.token(world.writer(slice, "writer")))
    body = {"name": "writer", "role": "maintainer"}
    assert code_of(writer.post("slices/acme/web/roles/", body)) == (403, "slice_forbidden")
    assert code_of(writer.delete("slices/acme/web/roles/acme-owner/")) == (403, "slice_forbidden")
    keeper = Api(world.token(world.writer(slice, "keeper", SliceRole.Role.MAINTAINER)))
    assert keeper.post("slices/acme/web/roles/", body).status_code == 200
    other = World("other")
    for name in ("other-owner", "nobody", "team:none", "", "\0"):
        assert code_of(keeper.post("slices/acme/web/roles/", {"name": name, "role": "reader"}))[0] == 400
    stranger = Api(other.token(other.owner))
    hidden = world.slice("hidden", "hidden/**", visibility="private")
    for method in (stranger.get, stranger.delete):
        assert (
            code_of(
                method(f"slices/acme/{hidden.name}/roles/" + ("x/" if method == stranger.delete else ""))
            )[0]
            == 404
        )
