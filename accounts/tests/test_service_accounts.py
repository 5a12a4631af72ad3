"""Service accounts: users of an organization that are no person."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction

from accounts import services
from accounts.models import ApiToken, AuditEvent, IdempotencyKey, Membership, User
from gitslice.common.errors import PermissionDenied
from slices.models import SliceRole
from tests.api import Api, code_of
from tests.world import World

pytestmark = pytest.mark.django_db
ACCOUNTS = "orgs/acme/service-accounts/"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def api(world) -> Api:
    return Api(world.token(world.owner))


@pytest.fixture
def deploy(api) -> User:
    assert api.post(ACCOUNTS, {"name": "deploy"}).status_code == 201
    return User.objects.get(username="acme+deploy")


def test_admins_make_them_and_members_see_them(world, api, deploy):
    admin = Api(world.token(world.user("admin", Membership.Role.ADMIN)))
    assert admin.post(ACCOUNTS, {"name": "build"}).json()["user"] == "acme+build"
    assert [item["name"] for item in api.get(ACCOUNTS).json()["items"]] == ["build", "deploy"]
    assert api.get(f"{ACCOUNTS}deploy/").json()["active"] is True
    member = Api(world.token(world.user("member")))
    kinds = {item["user"]: item["kind"] for item in member.get("orgs/acme/members/").json()["items"]}
    assert kinds["acme+deploy"] == "service_account"
    assert kinds["member"] == "person"
    assert (
        AuditEvent.objects.filter(action="service_account.create", organization=world.organization).count()
        == 2
    )


def test_nobody_else_does(world, deploy):
    member, stranger = Api(world.token(world.user("member"))), Api(World("other").token(World("third").owner))
    for method, path, body in (
        ("get", ACCOUNTS, None),
        ("post", ACCOUNTS, {"name": "x"}),
        ("get", f"{ACCOUNTS}deploy/", None),
        ("delete", f"{ACCOUNTS}deploy/", None),
        ("get", f"{ACCOUNTS}deploy/tokens/", None),
        ("post", f"{ACCOUNTS}deploy/tokens/", {"name": "x"}),
        ("delete", f"{ACCOUNTS}deploy/tokens/1/", None),
    ):
        arguments = (path,) if body is None else (path, body)
        assert code_of(getattr(member, method)(*arguments)) == (403, "permission_denied"), path
        assert code_of(getattr(stranger, method)(*arguments)) == (404, "organization_not_found"), path


@pytest.mark.parametrize("name", ["", "Deploy", "a+b", "a/b", "a" * 65, "nul\0"])
def test_their_names_are_plain(api, name):
    assert code_of(api.post(ACCOUNTS, {"name": name})) == (400, "invalid_request")


def test_names_are_taken_once_and_per_organization(world, api, deploy):
    assert code_of(api.post(ACCOUNTS, {"name": "deploy"})) == (409, "name_taken")
    other = World("other")
    answer = Api(other.token(other.owner)).post("orgs/other/service-accounts/", {"name": "deploy"})
    assert answer.status_code == 201
    assert code_of(api.get(f"{ACCOUNTS}none/"))[0] == 404


def test_they_have_no_password_and_no_address(deploy, client):
    assert not deploy.has_usable_password()
    assert authenticate(username="acme+deploy", password="") is None
    assert authenticate(username="acme+deploy", password=deploy.password) is None
    answer = client.post("/login/", {"login": "acme+deploy", "password": "!"})
    assert (answer.status_code, "_auth_user_id" in client.session) == (200, False)
    deploy.set_password("a long enough password")
    for fields in (["password"], ["email"]):
        deploy.email = "deploy@example.com"
        with pytest.raises(IntegrityError), transaction.atomic():
            deploy.save(update_fields=fields)


def test_their_tokens_do_what_they_may(world, api, deploy):
    slice = world.slice("web", "web/**", visibility="private")
    made = api.post(f"{ACCOUNTS}deploy/tokens/", {"name": "ci", "scopes": ["read"], "expires_in_days": 30})
    assert made.status_code == 201
    machine = Api(made.json()["secret"])
    assert machine.get("me/").json()["user"] == "acme+deploy"
    assert code_of(machine.get("slices/acme/web/")) == (404, "slice_not_found")
    SliceRole.objects.create(slice=slice, user=deploy, role=SliceRole.Role.READER)
    assert machine.get("slices/acme/web/").json()["my_role"] == "reader"
    assert code_of(machine.post("orgs/", {"organization": "x"})) == (403, "insufficient_scope")
    [listed] = api.get(f"{ACCOUNTS}deploy/tokens/").json()["items"]
    assert (listed["name"], listed["scopes"], listed["last_used_at"] is not None) == ("ci", ["read"], True)
    event = AuditEvent.objects.get(action="token.create", organization=world.organization)
    assert (event.actor, event.detail["user"]) == (world.owner, "acme+deploy")
    assert api.get("tokens/").json()["items"][0]["name"] == "test"  # not among one's own
    assert api.delete(f"{ACCOUNTS}deploy/tokens/{listed['id']}/").status_code == 204
    assert code_of(machine.get("me/")) == (401, "unauthenticated")


def test_tokens_of_people_are_not_within_reach(world, api, deploy):
    token, _ = services.create_token(user=world.user("member"), name="mine")
    assert code_of(api.delete(f"{ACCOUNTS}deploy/tokens/{token.pk}/")) == (404, "not_found")
    assert code_of(api.get(f"{ACCOUNTS}member/tokens/"))[0] == 404


def test_a_token_gives_a_machine_no_more_than_it_has(world, deploy):
    narrow = Api(world.token(world.owner, scopes=["admin", "read"]))
    assert narrow.post(f"{ACCOUNTS}deploy/tokens/", {"name": "x"}).json()["scopes"] == ["read", "admin"]
    wider = narrow.post(f"{ACCOUNTS}deploy/tokens/", {"name": "x", "scopes": ["write"]})
    assert code_of(wider) == (403, "permission_denied")


def test_a_machine_makes_no_tokens_for_itself(world, api, deploy):
    services.add_member(
        actor=world.owner, organization=world.organization, user=deploy, role=Membership.Role.ADMIN
    )
    machine = Api(api.post(f"{ACCOUNTS}deploy/tokens/", {"name": "ci"}).json()["secret"])
    for path in ("tokens/", f"{ACCOUNTS}deploy/tokens/"):
        assert code_of(machine.post(path, {"name": "more"})) == (403, "permission_denied")
    assert deploy.api_tokens.count() == 1


@pytest.mark.parametrize("path", ["tokens/", f"{ACCOUNTS}deploy/tokens/"])
def test_a_request_sent_again_makes_no_second_token(world, api, deploy, path):
    key = {"Idempotency-Key": "k1"}
    first, again = (api.post(path, {"name": "ci", "expires_in_days": 3}, **key).json() for _ in range(2))
    assert first == again
    assert Api(first["secret"]).get("me/").status_code == 200
    assert ApiToken.objects.filter(name="ci").count() == 1
    assert first["secret"] not in repr(IdempotencyKey.objects.get().body)
    assert code_of(api.post(path, {"name": "other"}, **key)) == (409, "idempotency_mismatch")


def test_deactivation_ends_everything_for_good(world, api, deploy):
    machine = Api(api.post(f"{ACCOUNTS}deploy/tokens/", {"name": "ci"}).json()["secret"])
    assert machine.get("me/").status_code == 200
    assert api.delete(f"{ACCOUNTS}deploy/").status_code == 204
    assert code_of(machine.get("me/")) == (401, "unauthenticated")
    assert api.delete(f"{ACCOUNTS}deploy/").status_code == 204  # once is enough
    assert AuditEvent.objects.filter(action="user.deactivate").count() == 1
    User.objects.filter(pk=deploy.pk).update(is_active=True)
    assert code_of(machine.get("me/")) == (401, "unauthenticated")
    User.objects.filter(pk=deploy.pk).update(is_active=False)
    refused = api.post(f"{ACCOUNTS}deploy/tokens/", {"name": "again"})
    assert code_of(refused) == (400, "invalid_request")
    members = api.get("orgs/acme/members/").json()["items"]
    assert [item["active"] for item in members if item["user"] == "acme+deploy"] == [False]


def test_they_own_no_organization_and_join_no_other(world, deploy):
    other = World("other")
    with pytest.raises(PermissionDenied):
        services.create_organization(slug="mine", owner=deploy)
    with pytest.raises(PermissionDenied):
        services.add_member(
            actor=world.owner, organization=world.organization, user=deploy, role=Membership.Role.OWNER
        )
    with pytest.raises(PermissionDenied):
        services.add_member(actor=other.owner, organization=other.organization, user=deploy)
    services.add_member(
        actor=world.owner, organization=world.organization, user=deploy, role=Membership.Role.ADMIN
    )


@pytest.mark.parametrize("count", [1, 12])
def test_the_list_asks_as_many_questions_however_long_it_is(world, api, count, django_assert_num_queries):
    for number in range(count):
        api.post(ACCOUNTS, {"name": f"machine{number}"})
    with django_assert_num_queries(5):  # token, organization, membership twice, rows
        assert len(api.get(ACCOUNTS).json()["items"]) == count


def test_they_are_members_that_nobody_removes(world, api, deploy):
    member = "orgs/acme/members/acme+deploy/"
    assert code_of(api.delete(member)) == (400, "invalid_request")
    assert code_of(api.patch(member, {"role": "owner"})) == (403, "permission_denied")
    assert api.patch(member, {"role": "admin"}).json()["role"] == "admin"
    assert api.post(f"{member}deactivate/", {}).json()["active"] is False
    assert api.get(f"{ACCOUNTS}deploy/").json()["active"] is False


def test_other_organizations_neither_know_nor_take_them(world, deploy):
    other = World("other")
    services.add_member(actor=world.owner, organization=world.organization, user=other.owner)
    answer = Api(other.token(other.owner)).post("orgs/other/members/", {"user": "acme+deploy"})
    assert code_of(answer) == (404, "not_found")
