"""What API tokens may do, which slices they see, and their use and end."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import services
from accounts.errors import TokenTooNarrow
from accounts.models import ApiToken, AuditEvent, IdentityProvider, User
from accounts.people.changes import sign_out
from accounts.scopes import every_scope
from accounts.support import KEY
from conflicts.detection import detect
from conflicts.watching import MEMBER, Caller, Sight
from slices.models import Slice
from tests.api import Api, code_of, pack_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


@pytest.fixture
def web(world) -> Slice:
    slice = world.slice("web", "web/**", "both/**")
    world.land(slice, {"web/a": b"a\n", "both/x": b"x\n"}, title="Of web")
    return slice


@pytest.fixture
def shop(world) -> Slice:
    slice = world.slice("shop", "shop/**", "both/**", visibility="public")
    world.land(slice, {"shop/a": b"a\n"}, title="Of shop")
    return slice


@pytest.fixture
def narrow(world, web, shop) -> Api:
    """The owner, by a token that is limited to web."""
    return Api(world.token(world.owner, slices=[web.pk]))


def test_a_token_says_what_it_is(world, web):
    api = Api(world.token(world.owner))
    made = api.post("tokens/", {"name": "ci", "scopes": ["review", "read"], "slices": ["acme/web"]})
    assert made.status_code == 201
    own = Api(made.json()["secret"])
    token = own.get("me/").json()["token"]
    assert (token["scopes"], token["slices"], token["expires_at"]) == (["read", "review"], ["acme/web"], None)
    assert own.get("tokens/current/").json() == own.get("me/").json()["token"]
    assert api.get("me/").json()["token"]["scopes"] == every_scope()
    assert AuditEvent.objects.get(action="token.create", detail__name="ci").detail["slices"] == [web.pk]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"scopes": ["root"]}, (400, "invalid_request")),
        ({"scopes": []}, (400, "invalid_request")),
        ({"slices": []}, (400, "invalid_request")),
        ({"slices": ["acme/none"]}, (404, "slice_not_found")),
        ({"slices": ["other/hidden"]}, (404, "slice_not_found")),
        ({"slices": ["acme/web\0"]}, (400, "invalid_request")),
    ],
)
def test_a_wrong_token_is_not_made(world, web, wrong, code):
    World("other").slice("hidden", "x/**")
    assert code_of(Api(world.token(world.owner)).post("tokens/", {"name": "x"} | wrong)) == code
    assert ApiToken.objects.count() == 1


def test_a_token_makes_none_that_may_do_more(world, web, shop):
    admin = Api(world.token(world.owner, scopes=["admin"]))
    assert code_of(admin.post("tokens/", {"name": "x", "scopes": ["read"]})) == (403, "permission_denied")
    assert admin.post("tokens/", {"name": "x"}).json()["scopes"] == ["admin"]
    narrow = Api(world.token(world.owner, slices=[web.pk]))
    assert narrow.post("tokens/", {"name": "x"}).json()["slices"] == ["acme/web"]
    assert code_of(narrow.post("tokens/", {"name": "x", "slices": ["acme/shop"]}))[0] == 404
    world.owner.token = ApiToken.objects.filter(slices=[web.pk]).first()
    with pytest.raises(TokenTooNarrow):
        services.create_token(user=world.owner, name="x", slices=[web.pk, shop.pk])


def test_a_limited_token_lists_only_tokens_as_narrow_as_itself(world, web, narrow):
    assert [token["slices"] for token in narrow.get("tokens/").json()["items"]] == [["acme/web"]]
    world.token(world.owner)
    assert len(narrow.get("tokens/").json()["items"]) == 1


def test_other_slices_do_not_exist_for_a_limited_token(world, narrow):
    """Neither private nor public ones, nor the root, though the user owns the organization."""
    for path in (
        "shop/",
        "shop/manifest/",
        "shop/changesets/",
        "shop/file/?path=shop/a",
        "root/",
        "root/tree/",
    ):
        assert code_of(narrow.get(f"slices/acme/{path}")) == (404, "slice_not_found"), path
    assert narrow.get("slices/acme/web/").json()["my_role"] == "maintainer"
    assert [row["slice"] for row in narrow.get("slices/").json()["items"]] == ["acme/web"]
    assert narrow.get("slices/", search="sho").json()["items"] == []
    assert narrow.get("slices/acme/web/overlaps/").json()["items"] == []


def test_nor_does_what_happens_in_them(world, web, shop, narrow):
    """Changesets, conflicts, the log, the global state, events."""
    theirs = world.propose(shop, {"both/x": b"theirs\n", "shop/a": b"b\n"}, title="Secret of shop")
    ours = world.propose(web, {"both/x": b"ours\n"}, title="Ours")
    for changeset in (theirs, ours):
        detect(changeset)
    assert [item["changeset"] for item in narrow.get("changesets/").json()["items"]] == [
        str(ours),
        str(web.changesets.get(title="Of web")),
    ]
    for path in ("", "diff/", "review/", "comments/"):
        answer = narrow.get(f"changesets/acme/{theirs.number}/{path}")
        assert code_of(answer) == (404, "changeset_not_found"), path
    conflicts = narrow.get("conflicts/acme/").content
    assert b"both/x" in conflicts
    assert b"Secret of shop" not in conflicts
    assert b"acme/shop" not in conflicts
    world.land(shop, {"both/x": b"landed\n"}, title="Through shop")
    log = narrow.get("slices/acme/web/commits/").json()["items"]
    assert [(row["message"], row["slice"]) for row in log] == [("Through shop", None), ("Of web", "acme/web")]
    state = narrow.get("global/acme/").json()
    assert (state["pending_commits"], [row["slice"] for row in state["slices"]]) == (2, ["acme/web"])
    assert {row["slice"] for row in narrow.get("global/acme/slices/").json()["items"]} == {"acme/web"}
    token = ApiToken.objects.get(slices=[web.pk])
    assert Sight().of(Caller(world.owner.pk, token.pk), world.organization.pk) == {MEMBER, web.pk}


def test_a_limited_token_works_in_its_slice(world, narrow):
    assert narrow.upload("acme", pack_of(b"new\n")).status_code == 201
    edits = [{"op": "delete", "path": "web/a"}]
    landed = narrow.post("slices/acme/web/changesets/", {"title": "x", "edits": edits, "merge": True})
    assert landed.json()["state"] == "merged"


def test_a_limited_token_administers_nothing(world, narrow):
    other = World("other")
    services.add_member(actor=other.owner, organization=other.organization, user=world.owner)
    assert [item["organization"] for item in narrow.get("orgs/").json()["items"]] == ["acme"]
    assert [item["organization"] for item in narrow.get("me/").json()["organizations"]] == ["acme"]
    assert code_of(narrow.get("orgs/other/")) == (404, "organization_not_found")
    assert narrow.upload("other", pack_of(b"x")).status_code == 404
    for path, body in (
        ("orgs/", {"organization": "third"}),
        ("orgs/acme/members/", {"user": "acme-owner"}),
        ("orgs/acme/service-accounts/", {"name": "x"}),
        ("slices/acme/", {"name": "wide", "includes": ["web/**"]}),
        ("slices/acme/web/fork/", {"name": "part", "folder": "web"}),
        ("global/acme/merge/", {}),
        ("global/acme/merge/", {"dry_run": True}),
        ("global/acme/tags/", {"tag": "v1"}),
    ):
        assert narrow.post(path, body).status_code in (403, 404), path
    assert code_of(narrow.get("webhooks/acme/")) == (403, "permission_denied")
    wider = narrow.patch("slices/acme/web/", {"add": ["shop/**"]})
    assert code_of(wider) == (403, "permission_denied")
    assert Slice.objects.filter(organization=world.organization).count() == 3


def test_a_superuser_is_limited_too(world, web, narrow):
    type(world.owner).objects.filter(pk=world.owner.pk).update(is_superuser=True)
    assert [row["slice"] for row in narrow.get("slices/").json()["items"]] == ["acme/web"]
    assert code_of(narrow.get("slices/acme/shop/")) == (404, "slice_not_found")
    assert [item["organization"] for item in narrow.get("orgs/").json()["items"]] == ["acme"]
    assert narrow.post("global/acme/merge/", {}).status_code == 403


def test_a_limit_is_no_permission(world, web, narrow):
    """What the user may no longer see, the token does not show either."""
    member = world.user("member")
    secret = world.token(member, slices=[web.pk])
    assert Api(secret).get("slices/acme/web/").json()["my_role"] == "reader"
    Slice.objects.filter(pk=web.pk).update(visibility="private")
    assert code_of(Api(secret).get("slices/acme/web/")) == (404, "slice_not_found")
    assert Api(secret).get("me/").json()["token"]["slices"] == []


def test_a_limit_costs_no_question(world, web):
    def questions(secret: str) -> int:
        Api(secret).get("me/")  # notes the use of the token
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert Api(secret).get("slices/acme/web/tree/").status_code == 200
        return len(queries)

    assert questions(world.token(world.owner)) == questions(world.token(world.owner, slices=[web.pk]))


def test_use_is_noted_once_a_minute(world):
    secret = world.token(world.owner)
    tokens = ApiToken.objects.all()

    def writes() -> int:
        with CaptureQueriesContext(connection) as queries:
            Api(secret).get("me/")
        return sum("UPDATE" in query["sql"] for query in queries)

    assert [writes(), writes(), writes()] == [1, 0, 0]
    used = tokens.get().last_used_at
    assert timezone.now() - used < timedelta(seconds=30)
    tokens.update(last_used_at=used - timedelta(seconds=61))
    assert [writes(), writes()] == [1, 0]
    assert tokens.get().last_used_at > used


def test_a_token_ends_itself_whatever_its_scopes(world):
    for scope in every_scope():
        api = Api(world.token(world.owner, scopes=[scope]))
        assert api.delete("tokens/current/").status_code == 204
        assert code_of(api.get("me/")) == (401, "unauthenticated")


def test_a_deactivated_user_is_out_at_the_next_request(world):
    member = world.user("member")
    apis = [Api(world.token(member)), Api(world.token(member, scopes=["read"]))]
    assert [api.get("me/").status_code for api in apis] == [200, 200]
    type(member).objects.filter(pk=member.pk).update(is_active=False)
    assert [code_of(api.get("me/")) for api in apis] == [(401, "unauthenticated")] * 2


def test_a_session_has_all_scopes_and_no_token(world, client):
    client.force_login(world.owner)
    assert client.get("/api/v1/me/").json()["token"] is None
    assert client.get("/api/v1/tokens/current/").status_code == 400


def test_a_narrower_token_does_not_get_the_answers_of_another(world, web):
    """Of the same user, with the same key: among them the secrets of new tokens."""
    wide, narrow = Api(world.token(world.owner)), Api(world.token(world.owner, slices=[web.pk]))
    body, key = {"name": "ci"}, {"Idempotency-Key": "the-same"}
    made = wide.post("tokens/", body, **key)
    assert made.status_code == 201
    assert wide.post("tokens/", body, **key).json() == made.json()
    refused = narrow.post("tokens/", body, **key)
    assert made.json()["secret"] not in refused.content.decode()
    assert code_of(refused) == (409, "idempotency_mismatch")


def test_streams_end_with_the_session_they_came_by(world, web, client):
    ann = world.user("ann")
    client.force_login(ann)
    caller = Caller(ann.pk, session=client.session.session_key)
    assert MEMBER in Sight().of(caller, world.organization.pk)
    client.post("/logout/")
    assert Sight().of(caller, world.organization.pk) is None
    client.force_login(ann)
    caller = Caller(ann.pk, session=client.session.session_key)
    sign_out(User.objects.filter(pk=ann.pk))
    assert Sight().of(caller, world.organization.pk) is None


def test_streams_of_support_end_with_it(world, web, client):
    root, ann = world.user("root", None), world.user("ann")
    User.objects.filter(pk=root.pk).update(is_superuser=True)
    client.force_login(root)
    session = client.session
    session[KEY] = {"user": ann.pk, "until": int(time.time()) + 100}
    session.save()
    caller = Caller(ann.pk, session=session.session_key)
    assert MEMBER in Sight().of(caller, world.organization.pk)
    client.post("/support/end/")
    assert Sight().of(caller, world.organization.pk) is None


def test_streams_end_where_single_sign_on_is_required(world, web):
    ann = world.user("ann")
    world.token(ann)
    caller = Caller(ann.pk, ann.api_tokens.get().pk)
    assert MEMBER in Sight().of(caller, world.organization.pk)
    IdentityProvider.objects.create(
        organization=world.organization,
        protocol="oidc",
        issuer="https://idp.example",
        active=True,
        enforced=True,
    )
    assert Sight().of(caller, world.organization.pk) is None
