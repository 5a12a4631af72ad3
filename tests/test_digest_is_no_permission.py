"""A digest is not a permission: what one may not read, no digest opens, and no answer tells whether it exists."""

from __future__ import annotations

import hashlib

import pytest

from slices.models import SliceRole
from tests.api import Api, code_of, contents_of, pack_of
from tests.world import World

pytestmark = pytest.mark.django_db

SECRET = b"the secret formula\n"
DIGEST = hashlib.sha256(SECRET).hexdigest()
NOWHERE = hashlib.sha256(b"nobody ever uploaded this").hexdigest()


@pytest.fixture
def world():
    return World()


@pytest.fixture
def secret(world):
    slice = world.slice("secret", "secret/**", visibility="private")
    world.land(slice, {"secret/formula": SECRET})
    return slice


@pytest.fixture
def open_slice(world):
    slice = world.slice("open", "open/**")
    world.land(slice, {"open/a": b"a\n"})
    return slice


@pytest.fixture
def mallory(world, open_slice):
    return Api(world.token(world.writer(open_slice, "mallory")))


def naming(digest: str) -> dict:
    edit = {"op": "add", "path": "open/stolen", "mode": "100644", "digest": digest}
    return {"title": "Mine now", "edits": [edit]}


def test_naming_a_foreign_blob_is_refused_as_if_it_did_not_exist(mallory, secret):
    foreign = mallory.post("slices/acme/open/changesets/", naming(DIGEST))
    unknown = mallory.post("slices/acme/open/changesets/", naming(NOWHERE))
    assert code_of(foreign) == code_of(unknown) == (400, "unknown_blob")
    assert foreign.content == unknown.content


def test_a_resolution_cannot_name_it_either(mallory, secret, world, open_slice):
    changeset = world.propose(open_slice, {"open/a": b"mine\n"})
    world.land(open_slice, {"open/a": b"theirs\n"})
    choice = {"path": "open/a", "choice": "manual", "mode": "100644", "digest": DIGEST}
    answer = mallory.post(f"changesets/acme/{changeset.number}/resolve/", {"resolutions": [choice]})
    assert code_of(answer) == (409, "unresolvable")


def test_uploading_what_exists_looks_like_uploading_what_is_new(mallory, secret):
    known, new = (
        mallory.upload("acme", pack_of(SECRET)),
        mallory.upload("acme", pack_of(b"the secret formulb\n")),
    )
    assert known.status_code == new.status_code == 201
    assert known.json().keys() == new.json().keys()
    assert (known.json()["blobs"], new.json()["blobs"]) == (1, 1)


def test_who_has_the_content_may_name_it(mallory, secret):
    mallory.upload("acme", pack_of(SECRET))
    assert mallory.post("slices/acme/open/changesets/", naming(DIGEST)).status_code == 201


def test_the_uploads_of_others_stay_theirs(mallory, world, open_slice):
    ann = Api(world.token(world.writer(open_slice, "ann")))
    ann.upload("acme", pack_of(b"ann's draft"))
    draft = hashlib.sha256(b"ann's draft").hexdigest()
    assert code_of(mallory.post("slices/acme/open/changesets/", naming(draft))) == (400, "unknown_blob")


def test_what_the_slice_once_held_may_be_named_again(mallory, world, open_slice):
    world.land(open_slice, {"open/old": b"once\n"})
    world.land(open_slice, {"open/old": None})
    once = hashlib.sha256(b"once\n").hexdigest()
    assert mallory.post("slices/acme/open/changesets/", naming(once)).status_code == 201


def test_blobs_come_only_by_paths_of_a_slice_that_one_may_read(mallory, secret, world):
    everything = {"commit": "HEAD", "all": True}
    assert code_of(mallory.post("slices/acme/secret/objects/", everything)) == (404, "slice_not_found")
    assert code_of(mallory.post("slices/acme/root/objects/", everything)) == (404, "slice_not_found")
    foreign = mallory.post("slices/acme/open/objects/", {"commit": "HEAD", "paths": ["secret/formula"]})
    unknown = mallory.post("slices/acme/open/objects/", {"commit": "HEAD", "paths": ["secret/nothing"]})
    assert code_of(foreign) == code_of(unknown) == (404, "path_not_found")
    answer = mallory.post("slices/acme/open/objects/", everything)
    assert contents_of(b"".join(answer.streaming_content)) == [b"a\n"]


def test_a_file_outside_the_slice_is_not_there(mallory, secret):
    assert code_of(mallory.get("slices/acme/open/file/", path="secret/formula")) == (404, "path_not_found")
    assert code_of(mallory.get("slices/acme/open/tree/", path="secret")) == (404, "path_not_found")


def test_blobs_of_another_organization_are_not_there(mallory, secret):
    other = World("other")
    slice = other.slice("open", "open/**")
    eve = Api(other.token(other.writer(slice, "eve")))
    assert code_of(eve.post("slices/other/open/changesets/", naming(DIGEST))) == (400, "unknown_blob")
    assert code_of(eve.upload("acme", pack_of(b"x"))) == (404, "organization_not_found")


def test_nobody_widens_their_sight_by_defining_a_slice(mallory, secret, world):
    wider = {"name": "wider", "includes": ["secret/**"]}
    assert mallory.post("slices/acme/", wider).status_code == 403
    forked = mallory.post("slices/acme/open/fork/", {"name": "wider", "folder": "secret"})
    assert code_of(forked) == (400, "outside_slice")
    mallory_slice = world.organization.slices.get(name="open")
    SliceRole.objects.filter(slice=mallory_slice, user__username="mallory").update(role="maintainer")
    assert mallory.patch("slices/acme/open/", {"add": ["secret/**"]}).status_code == 403
