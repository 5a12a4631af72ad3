"""Conflicts with open changesets of slices that one may not see: nothing of the other side comes into one's hands."""

from __future__ import annotations

import hashlib

import pytest

from changesets.models import Changeset
from conflicts.detection import detect
from conflicts.models import Conflict
from tests.api import Api, code_of
from tests.world import World

BASE = b"".join(b"line %d\n" % number for number in range(20))
OURS = BASE.replace(b"line 3\n", b"ours\n")
SECRET = BASE.replace(b"line 3\n", b"secret\n")
APART = BASE.replace(b"line 15\n", b"secret\n")


@pytest.fixture
def world(db):
    return World()


def met(world: World, theirs: bytes) -> tuple[Api, Changeset]:
    """Ann's changeset, which meets an open one of a slice that she may not see."""
    web = world.slice("web", "shared/**")
    vault = world.slice("vault", "shared/**", visibility="private")
    world.land(web, {"shared/a": BASE})
    ann = world.writer(web, "ann")
    changeset = world.propose(web, {"shared/a": OURS}, by=ann)
    detect(changeset)
    detect(world.propose(vault, {"shared/a": theirs}, title="Hidden"))
    assert Conflict.objects.open().filter(their_changeset__isnull=False).count() == 1
    return Api(world.token(ann)), changeset


WAYS = [
    {"resolutions": [{"path": "shared/a", "choice": "manual", "hunks": ["theirs"]}]},
    {"all": "auto"},
    {"all": "theirs"},
    {"resolutions": [{"path": "shared/a", "choice": "auto"}]},
    {"resolutions": [{"path": "shared/a", "choice": "ours"}]},
    {"resolutions": [{"path": "shared/a", "choice": "manual", "hunks": ["both"]}]},
]


@pytest.mark.parametrize("theirs", [SECRET, APART], ids=["same lines", "other lines"])
def test_what_one_may_not_see_is_not_taken_by_resolving(world, theirs):
    api, changeset = met(world, theirs)
    for way in WAYS:
        refused = api.post(f"changesets/acme/{changeset.number}/resolve/", way)
        assert code_of(refused)[1] == "unresolvable", way
        assert b"secret" not in refused.content
    shown = api.get(f"changesets/acme/{changeset.number}/diff/")
    assert b"secret" not in shown.content
    assert Changeset.objects.get(pk=changeset.pk).current.number == 1


def test_a_digest_of_theirs_cannot_be_guessed(world):
    api, changeset = met(world, SECRET)
    answers = [
        api.post(
            f"changesets/acme/{changeset.number}/resolve/",
            {
                "resolutions": [
                    {"path": "shared/a", "choice": "ours", "seen": hashlib.sha256(text).hexdigest()}
                ]
            },
        )
        for text in (SECRET, b"something else")
    ]
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].json() == answers[1].json()
