"""Conflicts with changesets of others that are still open: told, resolved, remembered, watched."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from people import OURS, TEXT, THEIRS, Gs

from changesets.models import Changeset
from changesets.services import abandon_changeset
from conflicts.tasks import detect_conflicts
from slices.models import Slice
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pair(world: World, web: Slice) -> tuple[Changeset, Changeset]:
    """Two open changesets of overlapping slices that change the same line."""
    shop = world.slice("shop", "web/**")
    pair = (world.propose(web, {"web/a.txt": OURS}), world.propose(shop, {"web/a.txt": THEIRS}))
    for changeset in pair:
        detect_conflicts(changeset.pk)
    return pair


@contextmanager
def watching(gs: Gs, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "gs.main", "conflict", "watch", *arguments]
    process = subprocess.Popen(
        command,
        env=gs.environment,
        cwd=gs.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_they_are_listed_and_shown(owner: Gs, pair) -> None:
    mine, other = map(str, pair)
    [listed] = owner.json("conflict", "list", "--changeset", mine)["items"]
    assert (listed["path"], listed["severity"], listed["blocks"]) == ("web/a.txt", "high", False)
    assert listed["sides"]["theirs"]["changeset"] == other
    text = owner.text("conflict", "show", "web/a.txt", "--changeset", mine)
    assert f"acme/shop has {other} open" in text
    assert "re-apply your 1 line, or ask @acme-owner" in text


@pytest.mark.parametrize(("flag", "files"), [("--ours", 1), ("--theirs", 0)])
def test_they_are_resolved(owner: Gs, pair, flag: str, files: int) -> None:
    mine, _ = map(str, pair)
    told = owner.json("conflict", "resolve", flag, "--changeset", mine)
    assert (told["resolved"], told["files"]) == ([{"path": "web/a.txt", "choice": flag[2:]}], files)
    assert owner.json("conflict", "list", "--changeset", mine)["items"] == []
    events = owner.json("conflict", "history", "web/a.txt", "--slice", "web")["items"]
    assert [event["action"] for event in events] == ["opened", "resolved"]
    assert events[1]["actor"] == "acme-owner"
    assert f"{flag[2:]}, patchset 2" in owner.text("conflict", "history", "web/a.txt", "--slice", "web")


def test_nothing_to_tell_is_told(owner: Gs, web: Slice) -> None:
    assert owner.json("conflict", "history", "web/a.txt", "--slice", "web")["items"] == []
    assert "Nobody" in owner.text("conflict", "history", "web/a.txt", "--slice", "web")


def test_watching_prints_what_is_open_what_comes_and_what_goes(
    owner: Gs, world: World, web: Slice, pair
) -> None:
    with watching(owner, "--slice", "web", "--json") as process:
        first = json.loads(process.stdout.readline())
        assert (first["event"], first["path"]) == ("open", "web/a.txt")
        abandon_changeset(actor=world.owner, changeset=pair[1])
        detect_conflicts(pair[1].pk)
        gone = json.loads(process.stdout.readline())
        assert (gone["event"], gone["id"], gone["state"]) == ("obsolete", first["id"], "obsolete")
        world.land(web, {"web/a.txt": TEXT.replace(b"line 9\n", b"landed\n")})
        detect_conflicts(pair[0].pk)
        come = json.loads(process.stdout.readline())
        assert (come["event"], come["sides"]["theirs"]["slice"]) == ("opened", "acme/web")


def test_watching_once_waits_for_the_first(owner: Gs, world: World, web: Slice) -> None:
    with watching(owner, "--slice", "web", "--once") as process:
        assert "watching" in process.stderr.readline()
        shop = world.slice("shop", "web/**")
        for slice, content in ((web, OURS), (shop, THEIRS)):
            detect_conflicts(world.propose(slice, {"web/a.txt": content}).pk)
        assert "web/a.txt" in process.stdout.readline()
        assert process.wait(10) == 0


def test_watching_once_with_open_conflicts_ends(owner: Gs, pair) -> None:
    assert "web/a.txt" in owner.text("conflict", "watch", "--slice", "web", "--once")
