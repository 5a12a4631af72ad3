"""Unseen is 404, everywhere; tokens die at once; strangers are asked to sign in."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiToken
from changesets.models import Changeset
from tests.api import Api, code_of, pack_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


@pytest.fixture
def secret(world):
    slice = world.slice("secret", "secret/**", visibility="private")
    world.land(slice, {"secret/a": b"a\n"})
    return slice


@pytest.fixture
def changeset(world, secret) -> Changeset:
    return world.propose(secret, {"secret/a": b"b\n"}, title="Unseen title")


READS = [
    "slices/acme/secret/",
    "slices/acme/secret/status/",
    "slices/acme/secret/owners/",
    "slices/acme/secret/definitions/",
    "slices/acme/secret/overlaps/",
    "slices/acme/secret/manifest/",
    "slices/acme/secret/tree/",
    "slices/acme/secret/file/?path=secret/a",
    "slices/acme/secret/commits/",
    "slices/acme/secret/changesets/",
    "slices/acme/root/",
    "slices/acme/root/manifest/",
]
WRITES = [
    ("slices/acme/secret/changesets/", {"title": "x", "edits": []}),
    ("slices/acme/secret/objects/", {"commit": "HEAD", "all": True}),
    ("slices/acme/secret/fork/", {"name": "x", "folder": "secret"}),
]


@pytest.mark.parametrize("path", READS)
def test_a_member_does_not_see_a_private_slice(world, secret, path):
    member = Api(world.token(world.user("member")))
    unknown = path.replace("secret/", "unknown/", 1).replace("root/", "unknown/", 1)
    assert code_of(member.get(path)) == code_of(member.get(unknown)) == (404, "slice_not_found")


@pytest.mark.parametrize(("path", "body"), WRITES)
def test_nor_does_one_write_to_it(world, secret, path, body):
    assert code_of(Api(world.token(world.user("member"))).post(path, body)) == (404, "slice_not_found")


def test_lists_do_not_mention_it(world, secret, changeset):
    member = Api(world.token(world.user("member")))
    assert member.get("slices/").json()["items"] == []
    assert member.get("changesets/", org="acme").json()["items"] == []
    assert member.get("conflicts/acme/").json()["items"] == []
    assert code_of(member.get(f"changesets/acme/{changeset.number}/")) == (404, "changeset_not_found")
    assert code_of(member.post(f"changesets/acme/{changeset.number}/merge/", {})) == (
        404,
        "changeset_not_found",
    )


def test_overlaps_do_not_name_what_one_may_not_see(world, secret):
    world.slice("wide", "secret/**", "wide/**")
    member = Api(world.token(world.user("member")))
    assert member.get("slices/acme/wide/overlaps/").json()["items"] == []


def test_a_stranger_is_asked_to_sign_in(secret):
    nobody = Api(None)
    assert code_of(nobody.get("slices/acme/secret/")) == (401, "unauthenticated")
    assert code_of(nobody.get("me/")) == (401, "unauthenticated")
    assert code_of(nobody.upload("acme", pack_of(b"x"))) == (401, "unauthenticated")


def test_another_organization_is_not_there(world, secret):
    other = World("other")
    eve = Api(other.token(other.owner))
    assert code_of(eve.get("orgs/acme/")) == (404, "organization_not_found")
    assert code_of(eve.get("slices/acme/secret/")) == (404, "slice_not_found")
    assert code_of(eve.post("slices/acme/", {"name": "x", "includes": ["x/**"]}))[0] == 404


def test_public_slices_are_read_by_anybody_and_written_by_nobody(world):
    slice = world.slice("public", "public/**", visibility="public")
    world.land(slice, {"public/a": b"a\n"})
    nobody = Api(None)
    assert nobody.get("slices/acme/public/file/", path="public/a").getvalue() == b"a\n"
    body = {"title": "x", "edits": [{"op": "delete", "path": "public/a"}]}
    assert code_of(nobody.post("slices/acme/public/changesets/", body)) == (401, "unauthenticated")


def test_a_reader_may_not_write(world):
    slice = world.slice("web", "web/**")
    world.land(slice, {"web/a": b"a\n"})
    reader = Api(world.token(world.user("reader")))
    body = {"title": "x", "edits": [{"op": "delete", "path": "web/a"}]}
    assert code_of(reader.post("slices/acme/web/changesets/", body)) == (403, "slice_forbidden")
    assert code_of(reader.patch("slices/acme/web/", {"description": "x"})) == (403, "slice_forbidden")


@pytest.mark.parametrize(
    "end",
    [
        lambda token: ApiToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now()),
        lambda token: ApiToken.objects.filter(pk=token.pk).update(
            expires_at=timezone.now() - timedelta(seconds=1)
        ),
        lambda token: type(token.user).objects.filter(pk=token.user_id).update(is_active=False),
        lambda token: ApiToken.objects.filter(pk=token.pk).delete(),
    ],
)
def test_a_token_that_ended_opens_nothing(world, end):
    secret = world.token(world.owner)
    api = Api(secret)
    assert api.get("me/").status_code == 200
    end(ApiToken.objects.get())
    assert code_of(api.get("me/")) == (401, "unauthenticated")


def test_tokens_are_stored_hashed(world):
    secret = world.token(world.owner)
    token = ApiToken.objects.get()
    assert secret.encode() not in bytes(token.digest)
    assert len(token.digest) == 32


@pytest.mark.parametrize("base", ["0" * 64, "abcdef", "HEAD~1", "zzz", ""])
def test_a_base_that_never_existed_is_refused(world, base):
    slice = world.slice("web", "web/**")
    world.land(slice, {"web/a": b"a\n"})
    body = {"title": "x", "base": base, "edits": [{"op": "delete", "path": "web/a"}]}
    api = Api(world.token(world.owner))
    assert code_of(api.post("slices/acme/web/changesets/", body)) == (404, "unknown_base")


def test_a_base_of_another_slice_is_refused(world):
    web, shop = world.slice("web", "web/**"), world.slice("shop", "shop/**")
    world.land(web, {"web/a": b"a\n"})
    commit = world.land(shop, {"shop/a": b"a\n"})
    body = {"title": "x", "base": bytes(commit.digest).hex(), "edits": [{"op": "delete", "path": "web/a"}]}
    api = Api(world.token(world.owner))
    assert code_of(api.post("slices/acme/web/changesets/", body)) == (404, "unknown_base")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (pack_of(), "invalid_pack"),
        (b"not a pack at all", "invalid_pack"),
        (pack_of(b"content")[:-3], "invalid_pack"),
        (pack_of(b"content").replace(b"B", b"X", 1), "invalid_pack"),
        (pack_of(b"content")[:10] + bytes(32) + pack_of(b"content")[42:], "invalid_pack"),
        (pack_of(b"content") + b"tail", "invalid_pack"),
    ],
)
def test_damaged_packs_are_refused(world, wrong, code):
    assert code_of(Api(world.token(world.owner)).upload("acme", wrong)) == (400, code)


def test_the_same_request_gets_the_same_answer(world):
    slice = world.slice("web", "web/**")
    world.land(slice, {"web/a": b"a\n"})
    api = Api(world.token(world.owner))
    body = {"title": "x", "edits": [{"op": "delete", "path": "web/a"}]}
    first = api.post("slices/acme/web/changesets/", body, **{"Idempotency-Key": "k1"})
    again = api.post("slices/acme/web/changesets/", body, **{"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = api.post("slices/acme/web/changesets/", body | {"title": "y"}, **{"Idempotency-Key": "k1"})
    assert code_of(other) == (409, "idempotency_mismatch")
    assert Changeset.objects.filter(title="x").count() == 1


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "web/../../x", "web/.gs/x", "web//x", "web/\u0000", "a" * 5000]
)
def test_paths_that_escape_are_refused(world, path):
    world.slice("web", "web/**")
    body = {"title": "x", "base": None, "edits": [{"op": "delete", "path": path}]}
    api = Api(world.token(world.owner))
    assert code_of(api.post("slices/acme/web/changesets/", body)) == (400, "invalid_path")
    assert api.get("slices/acme/web/file/", path=path).status_code in (400, 404)


def test_a_path_that_the_index_cannot_hold_is_refused(world):
    """Paths may have 4,096 bytes; those above some 2,600 must compress."""
    slice = world.slice("web", "web/**")
    parts = [hashlib.sha512(b"%d" % number).hexdigest() for number in range(31)]
    (edit,) = world.edits(world.owner, {"web/short": b"x"})
    body = {"op": "add", "path": "web/" + "/".join(parts), "mode": "100644", "digest": edit.digest.hex()}
    api = Api(world.token(world.owner))
    answer = api.post("slices/acme/web/changesets/", {"title": "x", "base": None, "edits": [body]})
    assert code_of(answer) == (400, "invalid_path")
    assert world.land(slice, {"web/" + "/".join(["a" * 200] * 19): b"x"}).file_count == 1
