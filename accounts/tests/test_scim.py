"""SCIM 2.0 as Entra ID and Okta speak it: bodies as their documents show them."""

from __future__ import annotations

import threading
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test import Client

from accounts import services
from accounts.models import AuditEvent, Invitation, Membership, ScimUser, User
from accounts.people.activation import deactivate_user
from accounts.people.members import remove_member
from accounts.people.teams import create_team
from accounts.scim.tokens import create_scim_token
from accounts.tests.test_people_races import at_once
from slices.access import Access
from slices.granting import grant_role
from tests.api import Api, code_of
from tests.pages import Pages
from tests.world import World

pytestmark = pytest.mark.django_db

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"

ENTRA_USER = {
    "schemas": [
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    ],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "Test_User_ab6490ee@contoso.com",
    "active": True,
    "emails": [{"primary": True, "type": "work", "value": "Test_User_fd0ea19b@contoso.com"}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
    "roles": [],
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "bob"},
}
OKTA_USER = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "test.user@okta.local",
    "name": {"givenName": "Test", "familyName": "User"},
    "emails": [{"primary": True, "value": "test.user@okta.local", "type": "work"}],
    "displayName": "Test User",
    "locale": "en-US",
    "externalId": "00ujl29u0le5T6Aj10h7",
    "groups": [],
    "password": "1mz050nq",
    "active": True,
}


class Scim:
    """A directory with its token."""

    def __init__(self, world: World, secret: str | None = None) -> None:
        self.org = world.organization.slug
        self.secret = (
            secret
            or create_scim_token(actor=world.owner, organization=world.organization, name="directory")[1]
        )
        self.client = Client()

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        return self.client.generic(
            method,
            f"/scim/v2/{self.org}/{path}",
            b"" if body is None else orjson.dumps(body),
            "application/scim+json",
            query_params=query,
            headers={"Authorization": f"Bearer {self.secret}", "Accept": "application/scim+json"},
        )

    def ok(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        answer = self.call(method, path, body, **query)
        assert answer.status_code in (200, 201), answer.content
        assert answer["Content-Type"] == "application/scim+json"
        return answer.json()

    def error(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, str | None]:
        answer = self.call(method, path, body, **query)
        told = answer.json()
        assert (told["schemas"], told["status"]) == ([ERROR], str(answer.status_code))
        return answer.status_code, told.get("scimType")

    def patch(self, path: str, *operations: dict[str, Any]) -> Any:
        return self.ok("PATCH", path, {"schemas": [PATCH_OP], "Operations": list(operations)})

    def users(self, **query: Any) -> list[str]:
        return [user["userName"] for user in self.ok("GET", "Users", **query)["Resources"]]


@pytest.fixture
def world():
    return World()


@pytest.fixture
def scim(world) -> Scim:
    return Scim(world)


def account(made: dict[str, Any]) -> User:
    return ScimUser.objects.get(pk=made["id"]).user


def role_of(user: User, world: World) -> str | None:
    return (
        Membership.objects.filter(user=user, organization=world.organization)
        .values_list("role", flat=True)
        .first()
    )


def test_entra_id_makes_finds_changes_and_disables_a_user(world, scim):
    assert scim.ok("GET", "Users", filter='userName eq "Test_User_ab6490ee@contoso.com"')["totalResults"] == 0
    answer = scim.call("POST", "Users", ENTRA_USER)
    made = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == made["meta"]["location"]
    assert (made["userName"], made["externalId"], made["active"]) == (
        ENTRA_USER["userName"],
        ENTRA_USER["externalId"],
        True,
    )
    user = account(made)
    assert (user.username, user.email, user.get_full_name()) == (
        "Test_User_ab6490ee",
        "Test_User_fd0ea19b@contoso.com",
        "givenName familyName",
    )
    assert not user.has_usable_password()
    assert role_of(user, world) == "member"
    found = scim.ok("GET", "Users", filter='userName eq "TEST_user_ab6490ee@contoso.com"')
    assert [row["id"] for row in found["Resources"]] == [made["id"]]
    assert scim.users(filter=f'externalId eq "{ENTRA_USER["externalId"]}"') == [made["userName"]]
    one = f"Users/{made['id']}"
    changed = scim.patch(
        one,
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "updatedEmail@microsoft.com"},
        {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"},
    )
    assert changed["emails"] == [{"value": "updatedEmail@microsoft.com", "type": "work", "primary": True}]
    user.refresh_from_db()
    assert (user.email, user.last_name) == ("updatedEmail@microsoft.com", "updatedFamilyName")
    token = world.token(user)
    renamed = scim.patch(one, {"op": "Replace", "path": "userName", "value": "5b50642d@contoso.com"})
    assert renamed["userName"] == "5b50642d@contoso.com"
    assert scim.patch(one, {"op": "Replace", "path": "active", "value": "False"})["active"] is False
    assert code_of(Api(token).get("me/")) == (401, "unauthenticated")
    assert scim.ok("GET", one)["active"] is False
    assert scim.patch(one, {"op": "Replace", "path": "active", "value": "True"})["active"] is True
    user.refresh_from_db()
    assert user.is_active
    assert scim.call("DELETE", one).status_code == 204
    assert scim.error("GET", one) == (404, None)
    user.refresh_from_db()
    assert (user.is_active, role_of(user, world)) == (False, None)
    again = scim.ok("POST", "Users", ENTRA_USER | {"userName": "5b50642d@contoso.com"})
    assert account(again) == user
    assert again["active"] is True
    assert set(AuditEvent.objects.filter(object=user.username).values_list("action", flat=True)) >= {
        "user.create",
        "member.add",
        "user.deactivate",
        "user.reactivate",
        "member.remove",
    }


def test_okta_makes_replaces_and_deactivates_a_user(world, scim):
    listed = scim.ok("GET", "Users", filter='userName eq "test.user@okta.local"', startIndex=1, count=100)
    assert (listed["totalResults"], listed["Resources"]) == (0, [])
    made = scim.ok("POST", "Users", OKTA_USER)
    one = f"Users/{made['id']}"
    assert made["name"] == {"givenName": "Test", "familyName": "User", "formatted": "Test User"}
    assert "password" not in made
    assert not account(made).check_password("1mz050nq")
    replaced = scim.ok(
        "PUT",
        one,
        made | {"name": {"givenName": "Another", "familyName": "User"}, "displayName": "Another User"},
    )
    assert (replaced["name"]["givenName"], replaced["displayName"]) == ("Another", "Another User")
    assert scim.patch(one, {"op": "replace", "value": {"active": False}})["active"] is False
    assert scim.patch(one, {"op": "replace", "value": {"active": True}})["active"] is True
    assert scim.error("POST", "Users", OKTA_USER) == (409, "uniqueness")
    assert scim.error("POST", "Users", OKTA_USER | {"userName": "TEST.user@okta.local"}) == (
        409,
        "uniqueness",
    )


def test_teams_and_roles_come_back_with_the_user(world, scim):
    made = scim.ok("POST", "Users", OKTA_USER)
    user = account(made)
    slice = world.slice("web", "web/**", visibility="private")
    grant_role(actor=world.owner, slice=slice, name=user.username, role="writer")
    pages = Pages(user)
    one = f"Users/{made['id']}"
    scim.patch(one, {"op": "replace", "value": {"active": False}})
    assert pages.status("/acme/slices/web/") == 302
    scim.patch(one, {"op": "replace", "value": {"active": True}})
    user.refresh_from_db()
    assert Access(slice, user).role == "writer"
    assert pages.status("/acme/slices/web/") == 302
    assert Pages(user).status("/acme/slices/web/") == 200


def test_members_of_before_are_found_by_the_address_they_were_invited_at(world, scim):
    ann = world.user("ann")
    ann.email = "private@example.com"
    ann.save()
    Invitation.objects.create(
        organization=world.organization, email="ann@contoso.com", digest=b"x" * 32, accepted_by=ann,
        expires_at="2026-01-01T00:00Z", accepted_at="2026-01-01T00:00Z",
    )  # fmt: skip
    [found] = scim.ok("GET", "Users", filter='userName eq "ann@contoso.com"')["Resources"]
    assert found["active"] is True
    assert "private" not in str(found)
    one = f"Users/{found['id']}"
    scim.patch(one, {"op": "Add", "path": "name.givenName", "value": "Mallory"})
    scim.patch(one, {"op": "Add", "path": "emails", "value": [{"value": "m@example.com"}]})
    ann.refresh_from_db()
    assert (ann.first_name, ann.email) == ("", "private@example.com")
    scim.patch(one, {"op": "Replace", "path": "active", "value": "False"})
    ann.refresh_from_db()
    assert (ann.is_active, role_of(ann, world)) == (True, None)
    assert scim.patch(one, {"op": "Replace", "path": "active", "value": "True"})["active"] is True
    assert set(scim.users()) == {"acme-owner", "ann@contoso.com"}


def test_it_never_touches_people_of_another_organization(world, scim):
    other = World("other")
    bob = other.user("bob")
    made = scim.ok("POST", "Users", {"userName": "bob", "emails": [{"value": "bob@example.com"}]})
    mine = account(made)
    assert mine != bob
    assert mine.username == "bob-2"
    bob.refresh_from_db()
    assert (bob.email, role_of(bob, world)) == ("", None)
    theirs = Scim(other)
    [foreign] = [row for row in theirs.ok("GET", "Users")["Resources"] if row["userName"] == "bob"]
    one = f"Users/{foreign['id']}"
    off = {"Operations": [{"op": "replace", "value": {"active": False}}]}
    for method, body in (("GET", None), ("PUT", OKTA_USER), ("DELETE", None), ("PATCH", off)):
        assert scim.error(method, one, body)[0] == 404
    group = scim.ok("POST", "Groups", {"displayName": "Core"})
    assert scim.error("PATCH", f"Groups/{group['id']}",
                      {"Operations": [{"op": "add", "path": "members", "value": [{"value": foreign["id"]}]}]}) == (
        400, "invalidValue")  # fmt: skip
    assert theirs.error("GET", f"Groups/{group['id']}")[0] == 404
    assert theirs.ok("GET", "Groups")["totalResults"] == 0
    bob.refresh_from_db()
    assert bob.is_active


def test_who_belongs_elsewhere_too_only_leaves(world, scim):
    other = World("other")
    made = scim.ok("POST", "Users", OKTA_USER)
    user = account(made)
    services.add_member(actor=other.owner, organization=other.organization, user=user)
    token = world.token(user)
    one = f"Users/{made['id']}"
    scim.ok("PUT", one, OKTA_USER | {"name": {"givenName": "Mallory"}})
    assert scim.patch(one, {"op": "replace", "value": {"active": False}})["active"] is False
    user.refresh_from_db()
    assert (user.is_active, user.first_name, role_of(user, world)) == (True, "Test", None)
    assert role_of(user, other) == "member"
    assert Api(token).get("me/").status_code == 200
    assert scim.patch(one, {"op": "replace", "value": {"active": True}})["active"] is True


def test_who_has_left_is_not_brought_back(world, scim):
    other = World("other")
    made = scim.ok("POST", "Users", OKTA_USER)
    user = account(made)
    services.add_member(actor=other.owner, organization=other.organization, user=user)
    remove_member(actor=user, membership=world.organization.memberships.get(user=user))
    one = f"Users/{made['id']}"
    assert scim.ok("GET", one)["active"] is False
    assert scim.patch(one, {"op": "replace", "value": {"active": True}})["active"] is False
    assert scim.call("DELETE", one).status_code == 204
    again = scim.ok("POST", "Users", OKTA_USER)
    assert account(again) != user
    assert role_of(user, world) is None


def test_whom_an_owner_deactivated_stays_so(world, scim):
    made = scim.ok("POST", "Users", OKTA_USER)
    user = account(made)
    deactivate_user(actor=world.owner, user=user, organization=world.organization)
    one = f"Users/{made['id']}"
    assert scim.patch(one, {"op": "replace", "value": {"active": True}})["active"] is False
    assert scim.patch(one, {"op": "replace", "path": "displayName", "value": "X"})["active"] is False
    assert role_of(user, world) == "member"


def test_the_last_owner_stays(world, scim):
    [owner] = scim.ok("GET", "Users")["Resources"]
    one = f"Users/{owner['id']}"
    off = {"Operations": [{"op": "replace", "value": {"active": False}}]}
    assert scim.error("PATCH", one, off) == (409, "mutability")
    assert scim.error("DELETE", one) == (409, "mutability")
    assert role_of(world.owner, world) == "owner"


def test_entra_id_fills_a_group(world, scim):
    people = [scim.ok("POST", "Users", {"userName": f"user{n}@contoso.com"}) for n in range(3)]
    made = scim.ok("POST", "Groups", {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
        "displayName": "Storage & Disks",
        "meta": {"resourceType": "Group"},
    })  # fmt: skip
    team = world.organization.teams.get()
    assert (team.slug, team.name, made["members"]) == ("storage-disks", "Storage & Disks", [])
    one = f"Groups/{made['id']}"
    for person in people:
        scim.patch(one, {"op": "Add", "path": "members", "value": [{"$ref": None, "value": person["id"]}]})
    assert team.members.count() == 3
    scim.patch(one, {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": people[0]["id"]}]})
    scim.patch(one, {"op": "Remove", "path": f'members[value eq "{people[1]["id"]}"]'})
    group = scim.ok("GET", one)
    assert [member["value"] for member in group["members"]] == [people[2]["id"]]
    assert scim.ok("GET", f"Users/{people[2]['id']}")["groups"][0]["display"] == "Storage & Disks"
    assert "members" not in scim.ok("GET", one, excludedAttributes="members")
    assert scim.ok("GET", "Groups", filter='displayName eq "storage & disks"')["totalResults"] == 1
    assert (
        scim.ok("GET", "Groups", filter='externalId eq "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159"')[
            "totalResults"
        ]
        == 1
    )
    assert scim.ok("GET", "Groups", filter=f'members eq "{people[2]["id"]}"')["totalResults"] == 1
    assert scim.ok("GET", "Groups", filter=f'members eq "{people[0]["id"]}"')["totalResults"] == 0
    renamed = scim.patch(one, {"op": "Replace", "path": "displayName", "value": "Disks"})
    team.refresh_from_db()
    assert (renamed["displayName"], team.slug, team.name) == ("Disks", "storage-disks", "Disks")
    assert scim.error("POST", "Groups", {"displayName": "disks"}) == (409, "uniqueness")
    assert scim.call("DELETE", one).status_code == 204
    assert not world.organization.teams.exists()


def test_okta_pushes_a_group(world, scim):
    person = scim.ok("POST", "Users", OKTA_USER)
    made = scim.ok("POST", "Groups", {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Test SCIMv2",
        "members": [{"value": person["id"], "display": "test.user@okta.local"}],
    })  # fmt: skip
    one = f"Groups/{made['id']}"
    assert [member["value"] for member in made["members"]] == [person["id"]]
    scim.patch(one, {"op": "replace", "value": {"id": made["id"], "displayName": "Test SCIMv2 new"}})
    assert len(scim.ok("GET", one)["members"]) == 1
    scim.patch(one, {"op": "replace", "path": "members", "value": []})
    replaced = scim.ok("PUT", one, made | {"displayName": "Test SCIMv2"})
    assert len(replaced["members"]) == 1
    scim.patch(f"Users/{person['id']}", {"op": "replace", "value": {"active": False}})
    assert scim.ok("PUT", one, made)["displayName"] == "Test SCIMv2"


def test_groups_are_teams_that_hold_roles(world, scim):
    person = scim.ok("POST", "Users", OKTA_USER)
    team = create_team(actor=world.owner, organization=world.organization, slug="core", name="Core")
    slice = world.slice("web", "web/**", visibility="private")
    grant_role(actor=world.owner, slice=slice, name="team:core", role="writer")
    [group] = scim.ok("GET", "Groups", filter='displayName eq "Core"')["Resources"]
    scim.patch(
        f"Groups/{group['id']}",
        {"op": "add", "path": "externalId", "value": "e"},
        {"op": "add", "path": "members", "value": [{"value": person["id"]}]},
    )
    assert Access(slice, account(person)).role == "writer"
    assert team.scim_group.external_id == "e"


def test_pages_of_users(world, scim):
    for number in range(5):
        scim.ok("POST", "Users", {"userName": f"user{number}"})
    first = scim.ok("GET", "Users", startIndex=1, count=2)
    assert (first["totalResults"], first["itemsPerPage"], first["startIndex"]) == (6, 2, 1)
    names = [scim.users(startIndex=start, count=2) for start in (1, 3, 5, 7)]
    assert len({name for page in names for name in page}) == 6
    assert scim.ok("GET", "Users", count=0)["Resources"] == []
    assert scim.ok("GET", "Users", startIndex=-3, count=-1)["startIndex"] == 1
    assert scim.error("GET", "Users", count="many") == (400, "invalidValue")
    assert list(scim.ok("GET", "Users", attributes="userName", count=1)["Resources"][0]) == [
        "schemas",
        "id",
        "userName",
        "meta",
    ]


def test_lists_cost_the_same_for_many(world, scim, django_assert_max_num_queries):
    for number in range(12):
        scim.ok("POST", "Users", {"userName": f"user{number}"})
        scim.ok("POST", "Groups", {"displayName": f"group{number}"})
    for path in ("Users", "Groups"):
        with django_assert_max_num_queries(8):
            scim.ok("GET", path)


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("Users", {}, "invalidValue"),
        ("Users", [], "invalidSyntax"),
        ("Users", {"userName": 1}, "invalidValue"),
        ("Users", {"userName": "x" * 300}, "invalidValue"),
        ("Users", {"userName": "a\0"}, "invalidValue"),
        ("Users", {"userName": "a", "active": "maybe"}, "invalidValue"),
        ("Users", {"userName": "a", "name": "A"}, "invalidValue"),
        ("Users", {"userName": "a", "emails": "a@b.c"}, "invalidValue"),
        ("Users", {"userName": "a", "emails": [{"value": "no address"}]}, "invalidValue"),
        ("Groups", {}, "invalidValue"),
        ("Groups", {"displayName": "g", "members": ["1"]}, "invalidValue"),
        ("Groups", {"displayName": "g", "members": [{"value": "999999"}]}, "invalidValue"),
        ("Groups", {"displayName": "g", "externalId": 5}, "invalidValue"),
    ],
)
def test_bad_bodies_change_nothing(world, scim, path, body, expected):
    assert scim.error("POST", path, body) == (400, expected)
    assert not world.organization.teams.exists()
    assert world.organization.memberships.count() == 1


def test_bad_questions(scim):
    assert scim.error("GET", "Users", filter="userName xx 5") == (400, "invalidFilter")
    assert scim.error("GET", "Users", filter='shoeSize eq "5"') == (400, "invalidFilter")
    assert scim.error("GET", "Users/9999999999999999999999")[0] == 404
    assert scim.error("GET", "Users/x")[0] == 404
    assert scim.error("GET", "Schemas/none")[0] == 404
    assert scim.error("TRACE", "Users")[0] == 405


def test_strange_names_make_plain_accounts(world, scim):
    for name in ("Ünï cöde@x.y", "@x.y", "a/b\\c", "root; drop", "日本"):
        made = scim.ok("POST", "Users", {"userName": name})
        assert made["userName"] == name
        assert account(made).username
    for name in ("Ünï", "& &", "日本", "..", "a" * 200):
        assert scim.ok("POST", "Groups", {"displayName": name})["displayName"] == name


def test_what_it_says_of_itself(scim):
    config = scim.ok("GET", "ServiceProviderConfig")
    assert (config["patch"]["supported"], config["bulk"]["supported"]) == (True, False)
    assert {row["id"] for row in scim.ok("GET", "ResourceTypes")["Resources"]} == {"User", "Group"}
    assert scim.ok("GET", "ResourceTypes/User")["endpoint"] == "/Users"
    schemas = scim.ok("GET", "Schemas/")["Resources"]
    assert [schema["name"] for schema in schemas] == ["User", "Group"]
    assert scim.ok("GET", f"Schemas/{schemas[0]['id']}")["name"] == "User"


def test_only_its_own_token_opens(world):
    other = World("other")
    scim, theirs = Scim(world), Scim(other)
    nobody, crossed = Scim(world, "gsc_wrong"), Scim(world, theirs.secret)
    missing, person = Scim(world), Scim(world, world.token(world.owner))
    missing.org = "nothing"
    for caller in (nobody, crossed, missing, person):
        answer = caller.call("GET", "Users")
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert len({caller.call("GET", "Users").content for caller in (nobody, crossed, missing)}) == 1
    assert code_of(Api(scim.secret).get("me/"))[0] == 401


def test_tokens_are_made_and_revoked_by_admins(world):
    api = Api(world.token(world.owner))
    made = api.post("orgs/acme/scim-tokens/", {"name": "entra"}).json()
    scim = Scim(world, made["secret"])
    assert scim.ok("GET", "Users")["totalResults"] == 1
    [listed] = api.get("orgs/acme/scim-tokens/").json()["items"]
    assert (listed["name"], listed["created_by"]) == ("entra", "acme-owner")
    assert "secret" not in listed
    assert listed["last_used_at"]
    member = Api(world.token(world.user("member")))
    assert code_of(member.get("orgs/acme/scim-tokens/"))[0] == 403
    assert code_of(member.delete(f"orgs/acme/scim-tokens/{made['id']}/"))[0] == 403
    stranger = Api(world.token(World("other").owner))
    assert code_of(stranger.get("orgs/acme/scim-tokens/"))[0] == 404
    assert code_of(stranger.delete(f"orgs/other/scim-tokens/{made['id']}/"))[0] == 404
    assert api.delete(f"orgs/acme/scim-tokens/{made['id']}/").status_code == 204
    assert scim.error("GET", "Users") == (401, None)


@pytest.mark.django_db(transaction=True)
def test_members_added_at_once_all_stay(world):
    scim = Scim(world)
    people = [scim.ok("POST", "Users", {"userName": f"user{number}"}) for number in range(4)]
    group = scim.ok("POST", "Groups", {"displayName": "Core"})

    def join(person: dict[str, Any]) -> None:
        try:
            Scim(world, scim.secret).patch(
                f"Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": person["id"]}]}
            )
        finally:
            connection.close()

    threads = [threading.Thread(target=join, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(scim.ok("GET", f"Groups/{group['id']}")["members"]) == 4


@pytest.mark.django_db(transaction=True)
def test_one_user_made_at_once_is_made_once(world):
    scim = Scim(world)
    for number in range(5):
        body = {"userName": f"user{number}@contoso.com"}
        answers = at_once(
            *(
                lambda body=body: Scim(world, scim.secret).call("POST", "Users", body).status_code
                for _ in "abc"
            )
        )
        assert sorted(answers) == [201, 409, 409]


@pytest.mark.parametrize("power", ["owner", "staff"])
def test_addresses_of_who_is_above_its_admins_are_not_its_to_change(world, scim, power):
    """Else an admin takes the account over by a mail for a forgotten password."""
    made = scim.ok(
        "POST", "Users", {"userName": "ann@acme.example", "emails": [{"value": "ann@acme.example"}]}
    )
    ann = account(made)
    if power == "owner":
        services.add_member(actor=world.owner, organization=world.organization, user=ann, role="owner")
    else:
        User.objects.filter(pk=ann.pk).update(is_staff=True)
    path = f"Users/{made['id']}"
    scim.patch(path, {"op": "replace", "path": "emails", "value": [{"value": "eve@evil.example"}]})
    ann.refresh_from_db()
    assert ann.email == "ann@acme.example"
