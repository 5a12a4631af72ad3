"""Workers that die or run at once, messages that are lost, contents that are hard: the rows end right."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from celery import current_app
from django.db import connection

from changesets.edits import WantedEdit
from changesets.errors import MergeConflict, OutdatedBase, Unresolvable
from changesets.models import Changeset
from changesets.services import abandon_changeset
from conflicts.detection import detect
from conflicts.models import Conflict, ConflictEvent, FailedTask, OpenEdit
from conflicts.open_edits import gaps, waiting_for_global_state
from conflicts.resolution import resolve_conflicts
from conflicts.tasks import detect_conflicts, sweep
from gitslice.objects.services import put_blobs
from slices.global_state.merging import merge_global
from tests.processes import REPOSITORY, server_environment
from tests.world import World

BASE = b"".join(b"line %d\n" % number for number in range(20))
ROUNDS = int(os.environ.get("GITSLICE_RACE_ROUNDS", "60"))
KILLS = int(os.environ.get("GITSLICE_FAULT_ROUNDS", "4"))


def changed(line: int, text: bytes) -> bytes:
    return BASE.replace(b"line %d\n" % line, text + b"\n")


def teams(world: World, count: int = 2):
    slices = [world.slice(f"team{number}", "shared/**") for number in range(count)]
    world.land(slices[0], {"shared/a": BASE, "shared/b": BASE})
    return slices


def rows() -> set[tuple[object, ...]]:
    names = ("changeset", "their_changeset", "path", "kind", "severity", "their_commit", "patchset")
    return set(Conflict.objects.open().values_list(*names))


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_on_the_same_changesets():
    world = World()
    slices = teams(world)
    chance = random.Random(3)

    def look(changeset_id: int) -> None:
        try:
            detect_conflicts(changeset_id)
        finally:
            connection.close()

    changesets = [
        world.propose(slices[number % 2], {"shared/a": changed(3, b"%d" % number)}) for number in range(3)
    ]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(ROUNDS):
            world.revise(chance.choice(changesets), {"shared/a": changed(3, b"%d" % chance.randrange(999))})
            for future in [pool.submit(look, chance.choice(changesets).pk) for _ in range(6)]:
                future.result()
    for changeset in changesets:
        detect(changeset)
    assert len(rows()) == 3
    assert Conflict.objects.filter(state="open").count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_anywhere_leaves_what_the_next_one_mends():
    world = World()
    slices = teams(world)
    environment = os.environ | server_environment() | {"GITSLICE_ROLE": "worker"}
    environment["DJANGO_SETTINGS_MODULE"] = "gitslice.settings"
    changesets = [
        world.propose(
            slices[number % 2], {"shared/a": changed(number, b"x"), "shared/b": changed(9, b"%d" % number)}
        )
        for number in range(12)
    ]
    script = (
        "import django; django.setup()\n"
        "from conflicts.tasks import detect_conflicts\n"
        f"ids = {[changeset.pk for changeset in changesets]}\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    for pk in ids: detect_conflicts(pk)\n"
    )
    chance = random.Random(5)
    for _ in range(KILLS):
        worker = subprocess.Popen(
            [sys.executable, "-c", script], cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE
        )
        assert worker.stdout.readline() == b"ready\n"
        time.sleep(chance.random() * 0.6)
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        world.revise(chance.choice(changesets), {"shared/b": changed(9, b"%d" % chance.randrange(999))})
    for pk in gaps():
        detect_conflicts(pk)
    assert gaps() == []
    found = rows()
    Conflict.objects.all().delete()
    OpenEdit.objects.all().delete()
    for changeset in changesets:
        detect_conflicts(changeset.pk)
    assert rows() == found


@pytest.mark.django_db(transaction=True)
def test_a_flushed_queue_costs_nothing_but_time():
    world = World()
    slices = teams(world)
    one = world.propose(slices[0], {"shared/a": changed(3, b"ours")})
    world.land(slices[1], {"shared/a": changed(3, b"landed")})
    with current_app.connection_for_write() as broker:
        broker.default_channel.client.flushdb()
    assert rows() == set()
    queued = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detect_conflicts, "delay", lambda *arguments: queued.append(arguments))
        assert sweep() == 1
    for arguments in queued:
        detect_conflicts(*arguments)
    assert [(row[0], row[2], row[4]) for row in rows()] == [(one.pk, "shared/a", "high")]


@pytest.mark.django_db
def test_a_task_that_fails_for_good_is_kept_for_administrators(admin_client):
    error = RuntimeError("broken")
    detect_conflicts.on_failure(error, "id", [17], {}, "Traceback: broken")
    assert FailedTask.objects.get().arguments == [17]
    page = admin_client.get("/admin/conflicts/failedtask/")
    assert b"conflicts.detect" in page.content


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("base", "ours", "theirs", "kind", "severity"),
    [
        (b"a\nb\n", b"a\r\nb\r\n", b"a\nc\n", "content", "high"),
        (b"a\nb\n", b"a\r\nb\r\n", b"a\nb \n", "content", "medium"),
        (b"a\nb", b"a\nB", b"a\nb\n", "content", "high"),
        (b"a\nb", b"a\nb\n", b"a\nb  ", "content", "medium"),
        (b"\xff\n1\n", b"\xff\n2\n", b"\xff\n3\n", "content", "high"),
        (b"\0a", b"\0b", b"\0c", "binary", "critical"),
        (b"", b"a\n", b"b\n", "content", "high"),
    ],
)
def test_hard_contents(base, ours, theirs, kind, severity):
    world = World()
    slices = teams(world)
    world.land(slices[0], {"shared/hard": base})
    changeset = world.propose(slices[0], {"shared/hard": ours})
    other = world.propose(slices[1], {"shared/hard": theirs})
    detect(changeset)
    detect(other)
    assert {row[3:5] for row in rows()} == {(kind, severity)}
    world.merge(other)
    assert [(row.kind, row.severity) for row in detect(changeset)] == [(kind, severity)]


@pytest.mark.django_db
def test_what_is_too_large_to_merge_says_so(settings):
    settings.GITSLICE_MAX_MERGE_BYTES = 100
    world = World()
    slices = teams(world)
    changeset = world.propose(slices[0], {"shared/a": changed(3, b"ours")})
    world.land(slices[1], {"shared/a": changed(3, b"theirs")})
    (conflict,) = detect(changeset)
    assert (conflict.kind, conflict.severity) == ("binary", "critical")
    assert "larger than the merge limit of 100 bytes" in conflict.hint


@pytest.mark.django_db
def test_a_patchset_of_a_hundred_thousand_edits():
    world = World()
    slices = teams(world)
    ((digest, _),) = put_blobs(user=world.owner, organization=world.organization, contents=[b"many\n"])
    edits = [WantedEdit("add", f"shared/many/{n % 300}/{n}", "100644", digest) for n in range(100_000)]
    many = world.propose(slices[0], edits)
    few = world.propose(
        slices[1], {f"shared/many/{n % 300}/{n}": b"few\n" for n in (7, 70_000)} | {"shared/many": b"x\n"}
    )
    detect(many)
    detect(few)
    assert {(row[2], row[3]) for row in rows()} == {
        ("shared/many/7/7", "add_add"),
        (f"shared/many/{70_000 % 300}/70000", "add_add"),
        ("shared/many/0/0", "file_folder"),
    }
    abandon_changeset(actor=world.owner, changeset=many)
    detect(many)
    assert rows() == set()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("conflicts", "auto_merge", "outcome"),
    [
        ("content", "clean", None),
        ("content", "off", OutdatedBase),
        ("file", "clean", MergeConflict),
        ("file", "off", MergeConflict),
    ],
)
def test_the_same_pair_under_each_policy(conflicts, auto_merge, outcome):
    """Two changes of different lines: what the second one's slice makes of them."""
    world = World()
    slices = teams(world)
    first = world.propose(slices[1], {"shared/a": changed(15, b"theirs")})
    second = world.propose(slices[0], {"shared/a": changed(3, b"ours")})
    type(slices[0]).objects.filter(pk=slices[0].pk).update(conflict_policy=conflicts, auto_merge=auto_merge)
    world.merge(first)
    second = Changeset.objects.select_related(
        "slice__organization", "slice__definition", "patchset", "author"
    ).get(pk=second.pk)
    if outcome is None:
        assert world.merge(second).merged_paths == ["shared/a"]
        assert world.files()["shared/a"] == changed(3, b"ours").replace(b"line 15\n", b"theirs\n")
    else:
        with pytest.raises(outcome):
            world.merge(second)
        assert world.files()["shared/a"] == changed(15, b"theirs")


@pytest.mark.django_db
def test_what_the_global_state_has_blocks_no_more():
    """The policy `file` waits for the batch merge; its conflict ends with it."""
    world = World()
    slices = teams(world)
    second = world.propose(slices[0], {"shared/a": changed(3, b"ours")})
    type(slices[0]).objects.filter(pk=slices[0].pk).update(conflict_policy="file")
    world.land(slices[1], {"shared/a": changed(15, b"theirs")})
    second = Changeset.objects.select_related(
        "slice__organization", "slice__definition", "patchset", "author"
    ).get(pk=second.pk)
    detect(second)
    assert Conflict.objects.open().get(changeset=second).severity == "high"
    merge_global(actor=None, organization=world.organization)
    assert waiting_for_global_state(world.organization.pk) == [second.pk]
    detect(second)
    assert Conflict.objects.open().get(changeset=second).severity == "low"
    assert world.merge(second).merged_paths == ["shared/a"]


@pytest.mark.django_db
def test_a_conflict_that_somebody_else_just_ended():
    world = World()
    slices = teams(world)
    one = world.propose(slices[0], {"shared/a": changed(3, b"ours")})
    two = world.propose(slices[1], {"shared/a": changed(3, b"theirs")})
    detect(one)
    detect(two)
    abandon_changeset(actor=world.owner, changeset=two)
    detect(two)
    fresh = Changeset.objects.select_related("slice__organization", "slice__definition", "patchset").get(
        pk=one.pk
    )
    with pytest.raises(Unresolvable):
        resolve_conflicts(actor=world.owner, changeset=fresh, resolutions=[], for_all="ours")
    assert list(ConflictEvent.objects.values_list("action", flat=True)) == ["opened", "obsolete"]
