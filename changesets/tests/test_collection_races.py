"""Uploads, proposals and landings of the very blobs that garbage collection is about to delete, and packs that are
rewritten under readers: nothing that anything names is ever lost, wherever a run is killed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.files.storage import storages
from django.db import connection
from django.utils import timezone

from changesets.edits import WantedEdit
from changesets.errors import UnknownBlob
from changesets.models import Edit
from gitslice.objects import compacting
from gitslice.objects.collecting import collect
from gitslice.objects.compacting import compact
from gitslice.objects.models import Blob, BlobClaim, Pack, PackRemoval
from gitslice.objects.removing import delete_due, queue_orphans
from gitslice.objects.services import put_blobs, read_blobs
from gitslice.objects.store import DiskStore, object_store
from gitslice.objects.verifying import check_pack
from slices.fsck import check_contents, check_organization
from slices.models import PathVersion
from tests.threads import at_once
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = 80  # more statements than a run has
ROUNDS = int(os.environ.get("GITSLICE_RACE_ROUNDS", "12"))
LONG_AGO = timezone.now() - timedelta(days=100)
BASE = b"".join(b"line %d\n" % n for n in range(30))


@pytest.fixture(params=["disk", "s3"])
def world(request, settings) -> World:
    """Objects go as soon as their rows have gone: there is nobody but ourselves to read them."""
    settings.GITSLICE_REMOVAL_GRACE_HOURS = 0
    if request.param == "s3":
        server = request.getfixturevalue("s3_server")
        bucket = f"collection-{os.urandom(4).hex()}"
        options = {
            "bucket_name": bucket,
            "endpoint_url": server.endpoint,
            "access_key": server.access_key,
            "secret_key": server.secret_key,
        }
        settings.STORAGES = configured.STORAGES | {
            "objects": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
        }
        storages["objects"].connection.create_bucket(Bucket=bucket)
    return World()


def everything_is_old() -> None:
    Pack.objects.update(created_at=LONG_AGO, fresh_at=None)
    BlobClaim.objects.update(created_at=LONG_AGO)


def upload(world: World, *contents: bytes) -> None:
    put_blobs(user=world.owner, organization=world.organization, contents=contents)


def add(path: str, content: bytes) -> WantedEdit:
    return WantedEdit("add", path, "100644", hashlib.sha256(content).digest())


def clean(world: World) -> None:
    collect(world.organization.pk)
    queue_orphans(world.organization.pk)
    delete_due()


def lost(world: World) -> list[object]:
    """What is named and cannot be read."""
    named = {
        *PathVersion.objects.values_list("new_digest", flat=True),
        *Edit.objects.values_list("digest", flat=True),
    }
    digests = {bytes(digest) for digest in named if digest is not None}
    contents = read_blobs(world.organization.pk, digests)
    wrong = [digest for digest, content in contents.items() if hashlib.sha256(content).digest() != digest]
    return [*wrong, *check_contents(world.organization)]


def merging(world: World, number: int) -> tuple[Any, bytes]:
    """A changeset whose landing merges, and the content that it will make."""
    path = f"merged/{number}"
    world.land(world.root, {path: BASE})
    ours, theirs = BASE.replace(b"line 3\n", b"ours %d\n" % number), BASE.replace(b"line 20\n", b"theirs\n")
    changeset = world.propose(world.root, {path: ours})
    world.land(world.root, {path: theirs})
    return changeset, ours.replace(b"line 20\n", b"theirs\n")


def test_what_is_uploaded_proposed_or_landed_meanwhile_stays(world):
    for number in range(ROUNDS if isinstance(object_store(), DiskStore) else ROUNDS // 4):
        again, known, never = (b"%s %d" % (kind, number) for kind in (b"again", b"known", b"never"))
        upload(world, again, never)
        upload(world, known)
        changeset, merged = merging(world, number)
        upload(world, merged)
        everything_is_old()

        def upload_again(content: bytes = again, number: int = number) -> None:
            upload(world, content)
            world.land(world.root, [add(f"again/{number}", content)])

        results = at_once(
            upload_again,
            lambda content=known, number=number: world.propose(world.root, [add(f"known/{number}", content)]),
            lambda changeset=changeset: world.merge(changeset),
            lambda: clean(world),
            lambda: compact(world.organization.pk),
        )
        failed = [result for result in results if isinstance(result, Exception)]
        assert not [error for error in failed if not isinstance(error, UnknownBlob)], failed
        assert len(failed) == (1 if isinstance(results[1], UnknownBlob) else 0)
        assert lost(world) == []
    everything_is_old()
    clean(world)
    assert Blob.objects.count() == len(
        {bytes(digest) for digest in PathVersion.objects.values_list("new_digest", flat=True)}
        | {bytes(digest) for digest in Edit.objects.values_list("digest", flat=True)}
    )
    assert [problem for pack in Pack.objects.all() for problem in check_pack(pack)] == []
    assert list(check_organization(world.organization)) == []


def test_readers_and_landings_go_on_while_packs_are_rewritten(world, settings):
    settings.GITSLICE_REMOVAL_GRACE_HOURS = 1
    contents = {f"f/{n}": b"content %d" % n for n in range(16)}
    for path, content in contents.items():
        world.land(world.root, {path: content})

    def read() -> None:
        for _ in range(10):
            assert contents.items() <= world.files().items()

    results = at_once(
        read,
        lambda: [compact(world.organization.pk) for _ in range(5)],
        lambda: [world.land(world.root, {f"g/{n}": b"landed %d" % n}) for n in range(10)],
    )
    assert not [result for result in results if isinstance(result, Exception)]
    everything_is_old()
    compact(world.organization.pk)
    PackRemoval.objects.update(due_at=LONG_AGO)
    assert delete_due() > 16
    assert contents.items() <= world.files().items()
    assert lost(world) == []


class Killed(BaseException):
    pass


@contextmanager
def killed_at(number: int) -> Iterator[list[str]]:
    """The connection breaks before its statement of that number."""
    statements: list[str] = []

    def execute(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        if len(statements) == number:
            raise Killed
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(execute):
        yield statements


@pytest.mark.parametrize("world", ["disk"], indirect=True)
def test_a_run_that_is_killed_between_any_two_steps_loses_nothing_and_the_next_collects_the_rest(
    world, monkeypatch
):
    monkeypatch.setattr(compacting, "FEWEST", 2)
    for number in range(1, STEPS, max(1, STEPS // ROUNDS)):
        contents = [b"small %d %d" % (number, n) for n in range(3)]
        for content in contents:
            upload(world, content)
        upload(world, b"never named %d" % number)
        world.propose(world.root, [add(f"{number}/{n}", content) for n, content in enumerate(contents)])
        everything_is_old()
        with killed_at(number) as statements, suppress(Killed):
            clean(world)
            compact(world.organization.pk)
            delete_due()
        assert lost(world) == []
        everything_is_old()
        clean(world)
    assert len(statements) < STEPS
    everything_is_old()
    clean(world)
    clean(world)
    assert not Blob.objects.filter(digest=hashlib.sha256(b"never named 1").digest()).exists()
    assert not PackRemoval.objects.exists()
    names = set(Pack.objects.values_list("digest", flat=True))
    assert len(stored(world)) == len(names)


def stored(world: World) -> list[str]:
    return list(object_store().list(f"{world.organization.pk}/"))
