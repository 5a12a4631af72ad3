from __future__ import annotations

import pytest

from accounts import services
from accounts.models import AuditEvent, Membership, Organization
from gitslice.common.errors import InvalidRequest, NameTaken, NotFound, PermissionDenied
from tests.api import Api, code_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


@pytest.mark.parametrize("slug", ["", "UPPER", "with space", "-x", "x/", "a" * 65, "ü"])
def test_organizations_have_plain_names(world, slug):
    with pytest.raises(InvalidRequest):
        services.create_organization(slug=slug, owner=world.owner)


def test_a_name_is_taken_once(world):
    with pytest.raises(NameTaken):
        services.create_organization(slug="acme", owner=world.owner)
    with pytest.raises(NameTaken):
        services.create_user(username="acme-owner")
    assert Organization.objects.count() == 1


def test_weak_passwords_are_refused():
    with pytest.raises(InvalidRequest):
        services.create_user(username="ann", password="password")


def test_only_owners_and_admins_add_members_and_only_owners_make_owners(world):
    member, admin = world.user("member"), world.user("admin", Membership.Role.ADMIN)
    stranger = services.create_user(username="stranger")
    with pytest.raises(PermissionDenied):
        services.add_member(actor=member, organization=world.organization, user=stranger)
    with pytest.raises(PermissionDenied):
        services.add_member(
            actor=admin, organization=world.organization, user=stranger, role=Membership.Role.OWNER
        )
    services.add_member(actor=admin, organization=world.organization, user=stranger)
    assert services.role_in(stranger, world.organization) == Membership.Role.MEMBER


def test_tokens_are_shown_once_listed_and_revoked(world):
    api = Api(world.token(world.owner))
    made = api.post("tokens/", {"name": "ci", "expires_in_days": 7}).json()
    assert made["secret"].startswith(made["hint"])
    listed = api.get("tokens/").json()["items"]
    assert {token["name"] for token in listed} == {"test", "ci"}
    assert all("secret" not in token for token in listed)
    assert api.delete(f"tokens/{made['id']}/").status_code == 204
    assert code_of(Api(made["secret"]).get("me/")) == (401, "unauthenticated")


def test_nobody_revokes_the_tokens_of_others(world):
    token, _ = services.create_token(user=world.owner, name="mine")
    with pytest.raises(NotFound):
        services.revoke_token(actor=world.user("member"), token_id=token.pk)


def test_members_are_shown_to_members(world):
    world.user("member")
    names = {item["user"] for item in Api(world.token(world.owner)).get("orgs/acme/members/").json()["items"]}
    assert names == {"acme-owner", "member"}
    stranger = services.create_user(username="stranger")
    assert code_of(Api(world.token(stranger)).get("orgs/acme/members/")) == (404, "organization_not_found")


def test_mutations_leave_a_trail_with_who_and_from_where(world):
    Api(world.token(world.owner)).post("orgs/", {"organization": "second"})
    event = AuditEvent.objects.get(action="organization.create", object="second")
    assert (event.actor, event.address, event.token.name) == (world.owner, "127.0.0.1", "test")


def test_lists_go_on_at_the_cursor(world):
    for number in range(5):
        services.create_organization(slug=f"org{number}", owner=world.owner)
    api = Api(world.token(world.owner))
    names, cursor = [], ""
    while cursor is not None:
        page = api.get("orgs/", limit=2, cursor=cursor).json()
        names += [item["organization"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert names == ["acme", "org0", "org1", "org2", "org3", "org4"]
    assert code_of(api.get("orgs/", limit="many")) == (400, "invalid_request")
    assert code_of(api.get("orgs/", cursor="%%%")) == (400, "invalid_request")


def test_the_dashboard_is_for_who_is_signed_in(world, client):
    assert client.get("/").status_code == 302
    slice = world.slice("web", "web/**")
    world.propose(slice, {"web/a": b"a"}, title="My change")
    client.force_login(world.owner)
    page = client.get("/").content.decode()
    assert "My change" in page
    assert "acme/web" in page


@pytest.mark.django_db
def test_names_that_differ_in_case_alone_are_one():
    """People sign in whatever the case, which would tell two of them apart no more."""
    services.create_user(username="ann")
    with pytest.raises(NameTaken):
        services.create_user(username="Ann")
