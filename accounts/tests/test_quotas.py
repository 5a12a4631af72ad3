"""Quotas: what organizations may have, at each place that makes something, and how they are set and shown."""

from __future__ import annotations

from io import BytesIO, StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import services
from accounts.errors import QuotaExceeded
from accounts.machines.services import create_service_account
from accounts.models import AuditEvent, Membership, Organization, Quota, ScimUser, User
from accounts.people import invitations
from accounts.people.members import find_member, remove_member
from accounts.quotas.amounts import parse_limit, told, written
from accounts.quotas.services import BYTES, MEMBERS, SLICES, quota_of, recount, set_limit
from accounts.sso.admission import admit, check_may_make_account
from accounts.sso.errors import SignInRefused
from accounts.sso.identities import Identity
from accounts.sso.models import Domain, IdentityProvider
from accounts.tests.test_scim import Scim
from gitslice.common.errors import InvalidRequest
from gitslice.objects.models import Blob, Pack
from gitslice.objects.store import object_store
from slices.services import fork_slice
from tests.api import PACK, Api, code_of, pack_of
from tests.pages import Pages, text_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


@pytest.fixture
def api(world):
    return Api(world.token(world.owner))


def limit(world: World, kind: str, number: int | None) -> None:
    set_limit(actor=None, organization=world.organization, kind=kind, limit=number)


def used(world: World, kind: str) -> int:
    """As it is after the commit: bytes are counted then."""
    connection.check_constraints()
    return quota_of(world.organization, kind).used


def limited(world: World) -> None:
    """Bytes are counted from now on."""
    set_limit(actor=None, organization=world.organization, kind=BYTES, limit=1 << 40)


def test_bytes_are_counted_from_when_there_is_a_limit(world, api):
    api.upload("acme", pack_of(b"before"))
    assert used(world, BYTES) == 0
    assert quota_of(world.organization, BYTES).figures == {"used": None, "limit": None}
    limited(world)
    before = len(pack_of(b"before"))
    assert used(world, BYTES) == before
    api.upload("acme", pack_of(b"later"))
    assert used(world, BYTES) == before + len(pack_of(b"later"))


def test_a_new_organization_has_no_limits(world):
    rows = world.organization.quotas.order_by("pk").values_list("kind", "limit", "used")
    assert list(rows) == [("bytes", None, 0), ("slices", None, 0), ("members", None, 1)]


def test_an_upload_beyond_the_quota_is_refused_and_nothing_is_stored(world, api):
    small, large = pack_of(b"small"), pack_of(bytes(range(256)) * 4)
    limit(world, BYTES, 2 * len(small))
    assert api.upload("acme", small).status_code == 201
    assert used(world, BYTES) == len(small)
    before = set(object_store().list(""))
    answer = api.upload("acme", large)
    assert code_of(answer) == (403, "quota_exceeded")
    assert answer.json()["details"] == {"quota": "bytes", "used": len(small), "limit": 2 * len(small)}
    assert (Pack.objects.count(), Blob.objects.count()) == (1, 1)
    assert set(object_store().list("")) == before
    assert used(world, BYTES) == len(small)
    assert api.upload("acme", pack_of(b"other")).status_code == 201
    assert used(world, BYTES) == 2 * len(small)
    assert code_of(api.upload("acme", pack_of(b"third"))) == (403, "quota_exceeded")


def test_an_upload_of_unknown_length_is_measured(world, api):
    limit(world, BYTES, 60)
    stream = BytesIO(pack_of(bytes(range(256))))
    answer = api._client.generic(
        "POST",
        "/api/v1/uploads/acme/",
        headers=api._headers,
        **{"CONTENT_TYPE": PACK, "wsgi.input": stream, "wsgi.input_terminated": True},
    )
    assert code_of(answer) == (403, "quota_exceeded")
    assert stream.read() == b"", "the client is not cut off while it sends"
    assert not Pack.objects.exists()


def test_the_figure_does_not_tell_what_others_have_uploaded(world, api):
    pack = pack_of(b"secret")
    limited(world)
    for number, caller in enumerate((api, Api(world.token(world.user("ann")))), start=1):
        assert caller.upload("acme", pack).status_code == 201
        assert used(world, BYTES) == number * len(pack)
    assert Pack.objects.count() == 1
    recount(world.organization)
    assert used(world, BYTES) == len(pack)
    Blob.objects.all().delete()
    Pack.objects.all().delete()
    assert used(world, BYTES) == 0


def test_a_quota_asks_nothing_more_of_an_upload(world, api):
    api.upload("acme", pack_of(b"before"))
    with CaptureQueriesContext(connection) as queries:
        assert api.upload("acme", pack_of(b"one")).status_code == 201
    limit(world, BYTES, 10**9)
    with CaptureQueriesContext(connection) as limited:
        assert api.upload("acme", pack_of(b"two")).status_code == 201
    assert len(queries) == len(limited) == 8


def test_landing_and_merging_go_on_when_no_byte_is_left(world):
    slice = world.slice("team", "a/**")
    lines = [b"%d\n" % number for number in range(9)]
    world.land(slice, {"a/x": b"".join(lines)})
    first = world.propose(slice, {"a/x": b"".join([b"ours\n", *lines])})
    world.land(slice, {"a/x": b"".join([*lines, b"theirs\n"])})
    before = used(world, BYTES)
    limit(world, BYTES, 0)
    assert world.merge(first).merged_paths == ["a/x"]
    assert world.files()["a/x"] == b"".join([b"ours\n", *lines, b"theirs\n"])
    assert used(world, BYTES) > before


def test_slices_are_counted_without_the_root(world, api):
    limit(world, SLICES, 2)
    one = world.slice("one", "one/**")
    world.land(one, {"one/deep/x": b"1"})
    fork_slice(actor=world.owner, source=one, name="two", folder="one/deep")
    answer = api.post("slices/acme/", {"name": "three", "includes": ["three/**"]})
    assert code_of(answer) == (403, "quota_exceeded")
    assert answer.json()["details"] == {"quota": "slices", "used": 2, "limit": 2}
    assert "the quota of slices leaves no room for one more: 2 of 2 are used" in answer.json()["detail"]
    with pytest.raises(QuotaExceeded):
        fork_slice(actor=world.owner, source=one, name="three", folder="one/deep")
    assert sorted(world.organization.slices.values_list("name", flat=True)) == ["one", "root", "two"]
    limit(world, SLICES, 3)
    world.slice("three", "three/**")
    assert used(world, SLICES) == 3


def test_what_is_refused_for_another_reason_takes_no_place(world, api):
    world.slice("one", "one/**")
    assert code_of(api.post("slices/acme/", {"name": "one", "includes": ["x/**"]})) == (409, "name_taken")
    assert used(world, SLICES) == 1


def test_members_are_people_and_leave_their_place(world):
    limit(world, MEMBERS, 2)
    ann = world.user("ann")
    create_service_account(actor=world.owner, organization=world.organization, name="deploy")
    ben = world.user("ben", role=None)
    add = {"actor": world.owner, "organization": world.organization}
    with pytest.raises(QuotaExceeded) as refused:
        services.add_member(**add, user=ben)
    assert refused.value.details == {"quota": "members", "used": 2, "limit": 2}
    services.add_member(**add, user=ann, role=Membership.Role.ADMIN)  # she is in already
    remove_member(actor=ann, membership=find_member(world.organization, "ann"))
    services.add_member(**add, user=ben)
    assert used(world, MEMBERS) == 2


def test_an_invitation_beyond_the_quota_is_neither_sent_nor_accepted(world, posted):
    invite = {"actor": world.owner, "organization": world.organization}
    links = posted(lambda: invitations.invite(**invite, email="ann@b.example"))
    token = links["ann@b.example"].rstrip("/").rpartition("/")[2]
    limit(world, MEMBERS, 1)
    with pytest.raises(QuotaExceeded):
        invitations.invite(**invite, email="ben@b.example")
    with pytest.raises(QuotaExceeded):
        invitations.accept(user=world.user("ann", role=None), token=token)
    page = Pages().client.post(
        links["ann@b.example"], {"username": "anna", "password": "correct horse battery"}
    )
    assert page.status_code == 403
    assert "1 of 1 are used" in page.content.decode()
    assert not User.objects.filter(username="anna").exists()
    limit(world, MEMBERS, 2)
    assert invitations.accept(user=User.objects.get(username="ann"), token=token)


def test_a_directory_is_told_as_scim_tells_errors(world):
    scim = Scim(world)
    limit(world, MEMBERS, 2)
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ann@b.example"}
    ann = scim.ok("POST", "Users", body)
    answer = scim.call("POST", "Users", body | {"userName": "ben@b.example"})
    assert answer["Content-Type"] == "application/scim+json"
    told_error = answer.json()
    assert (answer.status_code, told_error["status"]) == (403, "403")
    assert told_error["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert "2 of 2 are used" in told_error["detail"]
    assert not ScimUser.objects.filter(user_name="ben@b.example").exists()
    assert not User.objects.filter(username="ben").exists()
    assert scim.call("DELETE", f"Users/{ann['id']}").status_code == 204
    scim.ok("POST", "Users", body | {"userName": "ben@b.example"})


def test_single_sign_on_lets_in_whom_there_is_room_for(world):
    provider = IdentityProvider.objects.create(organization=world.organization, protocol="oidc")
    Domain.objects.create(
        organization=world.organization, name="b.example", verified_at=world.organization.created_at
    )
    ann = world.user("ann", role=None)
    identity = Identity(subject="1", email="ann@b.example", email_denied=False, groups=frozenset())
    limit(world, MEMBERS, 1)
    with pytest.raises(SignInRefused, match="1 of 1 are used"):
        check_may_make_account(provider, identity)
    with pytest.raises(SignInRefused, match="1 of 1 are used"):
        admit(provider=provider, user=ann, identity=identity)
    limit(world, MEMBERS, 2)
    admit(provider=provider, user=ann, identity=identity)
    admit(provider=provider, user=ann, identity=identity)
    assert used(world, MEMBERS) == 2


def test_a_lower_limit_leaves_what_there_is(world):
    world.slice("one", "one/**")
    world.slice("two", "two/**")
    limit(world, SLICES, 1)
    with pytest.raises(QuotaExceeded) as refused:
        world.slice("three", "three/**")
    assert refused.value.details == {"quota": "slices", "used": 2, "limit": 1}


def test_members_see_it_by_the_api_and_strangers_do_not(world, api):
    world.slice("public", "p/**", visibility="public")
    limit(world, BYTES, 1000)
    expected = {
        "bytes": {"used": 0, "limit": 1000},
        "slices": {"used": 1, "limit": None},
        "members": {"used": 2, "limit": None},
    }
    member = Api(world.token(world.user("ann")))
    stranger = Api(world.token(world.user("eve", role=None)))
    assert api.get("orgs/acme/").json()["quota"] == member.get("orgs/acme/").json()["quota"] == expected
    for caller in (stranger, Api(None)):
        assert "quota" not in caller.get("orgs/acme/").json()


def test_owners_see_it_among_the_settings(world):
    limit(world, BYTES, 50 << 30)
    limit(world, MEMBERS, 5)
    text = text_of(Pages(world.owner).get("/acme/settings/"))
    assert "Stored bytes 0 bytes of 50.0 GB" in text
    assert "Slices 0, no limit" in text
    assert "Members 1 of 5" in text


def command(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("quota", "acme", *arguments, stdout=out)
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def test_the_command_sets_and_shows(world):
    assert command() == ["bytes not counted, no limit", "slices 0, no limit", "members 1, no limit"]
    lines = ["bytes 0 bytes of 50.0 GB", "slices 0 of 10", "members 1, no limit"]
    assert command("--bytes", "50G", "--slices", "10") == lines == command()
    assert command("--bytes", "none")[0] == "bytes not counted, no limit"
    event = AuditEvent.objects.filter(action="quota.change").earliest("pk")
    assert (event.actor, event.object, event.organization) == (None, "acme bytes", world.organization)
    assert event.detail == {"limit": 50 << 30, "before": None}
    for wrong in (["--slices", "many"], ["--bytes", "50X"], ["--members=-1"]):
        with pytest.raises(CommandError):
            command(*wrong)
    with pytest.raises(CommandError, match="no organization other"):
        call_command("quota", "other")


def test_figures_are_made_anew(world):
    limited(world)
    world.slice("one", "one/**")
    world.land(world.root, {"x": b"1"})
    world.user("ann")
    create_service_account(actor=world.owner, organization=world.organization, name="deploy")
    right = {kind: used(world, kind) for kind in Quota.Kind.values}
    assert (right["slices"], right["members"]) == (1, 2)
    Quota.objects.update(used=7)
    command("--recount")
    assert {kind: used(world, kind) for kind in Quota.Kind.values} == right


@pytest.mark.parametrize(
    ("text", "number"),
    [("50G", 50 << 30), ("1.5 kib", 1536), ("12", 12), ("none", None), ("", None), ("2TB", 2 << 40)],
)
def test_bytes_are_typed_in_units(text, number):
    assert parse_limit("bytes", text) == number
    assert parse_limit("bytes", written("bytes", number)) == number


@pytest.mark.parametrize(
    ("kind", "text"),
    [("bytes", "G"), ("bytes", "-1"), ("bytes", "99999999P"), ("slices", "5G"), ("members", "\u0661")],
)
def test_what_is_no_amount_is_refused(kind, text):
    with pytest.raises(InvalidRequest):
        parse_limit(kind, text)


def test_amounts_are_told_as_people_read_them():
    assert (told("bytes", 3 << 29), told("slices", 3000)) == ("1.5 GB", "3000")


def test_organizations_of_before_are_counted_by_the_migration(world):
    from importlib import import_module

    limited(world)
    world.slice("one", "one/**")
    world.land(world.root, {"x": b"1"})
    world.user("ann")
    create_service_account(actor=world.owner, organization=world.organization, name="deploy")
    World("other")
    connection.check_constraints()
    counted = list(Quota.objects.order_by("organization", "kind").values_list("organization", "kind", "used"))
    Quota.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(import_module("accounts.migrations.0008_quotas").PRESENT)
    rows = Quota.objects.order_by("organization", "kind")
    assert list(rows.values_list("organization", "kind", "used")) == counted
    assert Organization.objects.count() == 2
