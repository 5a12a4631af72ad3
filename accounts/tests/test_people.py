"""Members of an organization: listed, changed, removed, deactivated; and by whom."""

from __future__ import annotations

import pytest
from django.core import mail

from accounts import services
from accounts.models import ApiToken, AuditEvent, Membership, User
from accounts.people.activation import deactivate_user, reactivate_user
from accounts.people.members import remove_member
from accounts.people.teams import create_team
from gitslice.common.errors import InvalidRequest, PermissionDenied
from slices.access import Access
from slices.models import SliceRole
from tests.api import Api, code_of
from tests.pages import Pages
from tests.world import World

pytestmark = pytest.mark.django_db

Role = Membership.Role


@pytest.fixture
def world():
    return World()


@pytest.fixture
def api(world) -> Api:
    return Api(world.token(world.owner))


def member(world: World, user: User) -> Membership:
    return world.organization.memberships.get(user=user)


def test_members_are_found_by_name(world, api):
    ann = world.user("ann")
    ann.first_name, ann.last_name = "Annika", "Berg"
    ann.save()
    world.user("bob")
    found = api.get("orgs/acme/members/", search="berg").json()["items"]
    body = {"user": "ann", "kind": "person", "name": "Annika Berg", "role": "member", "active": True}
    assert found == [body]
    assert api.get("orgs/acme/members/ann/").json() == found[0]
    assert code_of(api.get("orgs/acme/members/nobody/")) == (404, "not_found")


def test_the_list_costs_the_same_for_many(world, api, django_assert_num_queries):
    api.get("me/")
    for number in range(3):
        world.user(f"user{number}")
    with django_assert_num_queries(4):
        api.get("orgs/acme/members/")
    for number in range(3, 30):
        world.user(f"user{number}")
    with django_assert_num_queries(4):
        assert len(api.get("orgs/acme/members/").json()["items"]) == 31


def test_roles_are_changed_by_those_above(world, api):
    world.user("ann")
    admin = Api(world.token(world.user("admin", Role.ADMIN)))
    assert admin.patch("orgs/acme/members/ann/", {"role": "admin"}).json()["role"] == "admin"
    assert code_of(admin.patch("orgs/acme/members/ann/", {"role": "owner"})) == (403, "permission_denied")
    assert code_of(admin.patch("orgs/acme/members/acme-owner/", {"role": "member"}))[0] == 403
    assert code_of(admin.delete("orgs/acme/members/acme-owner/"))[0] == 403
    assert api.patch("orgs/acme/members/ann/", {"role": "owner"}).status_code == 200
    bob = Api(world.token(world.user("bob")))
    assert code_of(bob.patch("orgs/acme/members/ann/", {"role": "member"}))[0] == 403
    assert code_of(bob.delete("orgs/acme/members/ann/"))[0] == 403
    assert AuditEvent.objects.filter(action="member.change", object="ann").count() == 2


def test_the_last_owner_stays(world, api):
    me = "orgs/acme/members/acme-owner/"
    assert code_of(api.patch(me, {"role": "member"})) == (409, "last_owner")
    assert code_of(api.delete(me)) == (409, "last_owner")
    asleep = world.user("asleep", Role.OWNER)
    User.objects.filter(pk=asleep.pk).update(is_active=False)
    assert code_of(api.delete(me)) == (409, "last_owner")
    world.user("awake", Role.OWNER)
    assert api.delete(me).status_code == 204


def test_who_is_removed_keeps_nothing_and_gets_nothing_back(world):
    slice = world.slice("web", "web/**", visibility="private")
    ann = world.writer(slice, "ann")
    team = create_team(actor=world.owner, organization=world.organization, slug="core", members=[ann])
    SliceRole.objects.create(slice=slice, team=team, role="maintainer")
    remove_member(actor=world.owner, membership=member(world, ann))
    assert Access(slice, ann).role is None
    services.add_member(actor=world.owner, organization=world.organization, user=ann)
    assert Access(slice, ann).role is None
    event = AuditEvent.objects.get(action="member.remove")
    assert (event.object, event.detail) == ("ann", {"role": "member", "teams": ["core"]})


def test_one_may_leave(world):
    ann = Api(world.token(world.user("ann")))
    assert ann.delete("orgs/acme/members/ann/").status_code == 204
    assert code_of(ann.get("orgs/acme/members/")) == (404, "organization_not_found")


def test_only_who_is_known_is_added_by_name(world, api):
    other = World("other")
    stranger = services.create_user(username="stranger")
    told = [api.post("orgs/acme/members/", {"user": name}) for name in ("stranger", "nobody", "other-owner")]
    assert {code_of(answer) for answer in told} == {(404, "not_found")}
    services.add_member(actor=other.owner, organization=other.organization, user=world.owner)
    services.add_member(actor=other.owner, organization=other.organization, user=stranger)
    assert api.post("orgs/acme/members/", {"user": "stranger", "role": "admin"}).status_code == 201
    ann = Api(world.token(world.user("ann")))
    assert code_of(ann.post("orgs/acme/members/", {"user": "nobody"}))[0] == 403


def test_others_see_no_members(world, api):
    stranger = Api(world.token(services.create_user(username="stranger")))
    for path in ("members/", "members/acme-owner/", "invitations/"):
        assert code_of(stranger.get(f"orgs/acme/{path}")) == (404, "organization_not_found")
        assert code_of(stranger.get(f"orgs/nothing/{path}")) == (404, "organization_not_found")
    assert code_of(stranger.delete("orgs/acme/members/acme-owner/"))[0] == 404
    assert code_of(stranger.post("orgs/acme/members/acme-owner/deactivate/", {}))[0] == 404
    assert code_of(Api(None).get("orgs/acme/members/")) == (401, "unauthenticated")


def test_deactivation_ends_sessions_and_tokens_for_good(world, api):
    slice = world.slice("web", "web/**", visibility="private")
    ann = world.writer(slice, "ann")
    token, pages = world.token(ann), Pages(ann)
    assert pages.status("/acme/slices/web/") == 200
    assert api.post("orgs/acme/members/ann/deactivate/", {}).json()["active"] is False
    assert code_of(Api(token).get("me/")) == (401, "unauthenticated")
    assert pages.status("/acme/slices/web/") == 302
    assert SliceRole.objects.filter(user=ann).exists()
    assert not ApiToken.objects.filter(user=ann, revoked_at=None).exists()
    assert api.get("slices/acme/web/roles/").json()["items"][-1] == {
        "name": "ann",
        "kind": "user",
        "role": "writer",
        "active": False,
    }
    assert api.post("orgs/acme/members/ann/reactivate/", {}).json()["active"] is True
    assert code_of(Api(token).get("me/")) == (401, "unauthenticated")
    assert pages.status("/acme/slices/web/") == 302
    assert Pages(User.objects.get(username="ann")).status("/acme/slices/web/") == 200


def test_sessions_of_before_generations_still_hold(world):
    pages = Pages(world.owner)
    assert pages.status("/") == 200


def test_deactivated_people_do_not_sign_in(world, client):
    ann = services.create_user(username="ann", password="a long enough one")
    services.add_member(actor=world.owner, organization=world.organization, user=ann)
    deactivate_user(actor=world.owner, user=ann, organization=world.organization)
    client.post("/login/", {"login": "ann", "password": "a long enough one"})
    assert client.get("/").status_code == 302


def test_an_organization_deactivates_only_its_own(world):
    other = World("other")
    ann, admin = world.user("ann"), world.user("admin", Role.ADMIN)
    acme = world.organization
    services.add_member(actor=other.owner, organization=other.organization, user=ann)
    with pytest.raises(PermissionDenied, match="alone"):
        deactivate_user(actor=world.owner, user=ann, organization=acme)
    with pytest.raises(PermissionDenied, match="owners"):
        deactivate_user(actor=admin, user=world.owner, organization=acme)
    with pytest.raises(PermissionDenied):
        deactivate_user(actor=ann, user=admin, organization=acme)
    with pytest.raises(PermissionDenied):
        deactivate_user(actor=world.owner, user=admin)
    with pytest.raises(InvalidRequest, match="themselves"):
        deactivate_user(actor=admin, user=admin, organization=acme)
    root = world.user("root", Role.MEMBER)
    root.is_superuser = True
    root.save()
    with pytest.raises(PermissionDenied):
        deactivate_user(actor=world.owner, user=root, organization=acme)


def test_administrators_of_the_server_deactivate_anybody(world):
    root = services.create_user(username="root")
    root.is_superuser = True
    root.save()
    api, owner = Api(world.token(root)), Api(world.token(world.owner))
    assert code_of(owner.post("users/root/deactivate/", {})) == (404, "not_found")
    assert code_of(owner.post("users/nobody/deactivate/", {})) == (404, "not_found")
    assert api.post("users/acme-owner/deactivate/", {}).json()["active"] is False
    assert code_of(owner.get("me/"))[0] == 401
    assert api.post("users/acme-owner/reactivate/", {}).json()["active"] is True
    reactivate_user(actor=root, user=world.owner)
    assert AuditEvent.objects.filter(action__startswith="user.", object="acme-owner").count() == 3


def test_an_organization_is_renamed_for_readers(world, api):
    assert api.patch("orgs/acme/", {"name": "Acme Works"}).json()["name"] == "Acme Works"
    assert code_of(api.patch("orgs/acme/", {"name": "  "}))[0] == 400
    assert code_of(Api(world.token(world.user("ann"))).patch("orgs/acme/", {"name": "x"}))[0] == 403
    assert api.get("orgs/").json()["items"][0]["role"] == "owner"
    assert not mail.outbox
