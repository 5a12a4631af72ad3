"""Landings that race, with real threads and a database connection each."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from changesets.errors import MergeConflict, OutsideSlice
from changesets.models import Changeset
from changesets.mutations import locked
from gitslice.common.errors import DomainError
from slices.fsck import check_organization
from slices.models import Commit, PathHead, SliceLog
from slices.services import SliceEdit, edit_slice
from tests.threads import at_once
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = int(os.environ.get("GITSLICE_RACE_ROUNDS", "60"))


@pytest.fixture
def world():
    return World()


def sound(world: World) -> bool:
    return not list(check_organization(world.organization))


def test_of_two_landings_on_one_path_one_wins(world):
    left = world.slice("left", "shared/**", "left/**")
    right = world.slice("right", "shared/**", "right/**")
    for number in range(ROUNDS):
        path = f"shared/{number}"
        proposals = [world.propose(left, {path: b"left\n"}), world.propose(right, {path: b"right\n"})]
        results = at_once(*(lambda proposal=proposal: world.merge(proposal) for proposal in proposals))
        lost = [result for result in results if isinstance(result, MergeConflict)]
        assert len(lost) == 1
        assert lost[0].conflicts[0]["kind"] == "add_add"
    assert Commit.objects.count() == ROUNDS
    assert sound(world)


def test_changes_to_one_file_in_different_places_both_land(world):
    left = world.slice("left", "shared/**")
    right = world.slice("right", "shared/**")
    lines = [b"%d\n" % number for number in range(40)]
    world.land(left, {"shared/file": b"".join(lines)})
    for number in range(ROUNDS):
        first, second = list(lines), list(lines)
        first[3], second[33] = b"left %d\n" % number, b"right %d\n" % number
        proposals = [
            world.propose(left, {"shared/file": b"".join(first)}),
            world.propose(right, {"shared/file": b"".join(second)}),
        ]
        results = at_once(*(lambda proposal=proposal: world.merge(proposal) for proposal in proposals))
        assert not [result for result in results if isinstance(result, DomainError)]
        lines[3], lines[33] = first[3], second[33]
        assert world.files()["shared/file"] == b"".join(lines)
    assert sound(world)


@pytest.mark.parametrize("paths", [("x/{}", "x/{}/b"), ("x/{}/y/z", "x/{}/y"), ("x/{}", "x/{}/b/c/d")])
def test_no_path_becomes_both_file_and_folder(world, paths):
    """The slices share no path, so only the locks on ancestors stand between the two."""
    for number in range(ROUNDS):
        left_path, right_path = (path.format(number) for path in paths)
        left = world.slice(f"left{number}", f"{left_path}*" if left_path < right_path else f"{left_path}")
        right = world.slice(f"right{number}", right_path)
        proposals = [world.propose(left, {left_path: b"1"}), world.propose(right, {right_path: b"2"})]
        results = at_once(*(lambda proposal=proposal: world.merge(proposal) for proposal in proposals))
        assert sum(isinstance(result, MergeConflict) for result in results) == 1
        assert len(world.files()) == number + 1
    assert sound(world)


def test_teams_that_do_not_overlap_all_land(world):
    slices = [world.slice(f"team{number}", f"team{number}/**") for number in range(6)]
    for number in range(ROUNDS // 2):
        proposals = [world.propose(slice, {f"{slice.name}/{number}": b"x"}) for slice in slices]
        results = at_once(*(lambda proposal=proposal: world.merge(proposal) for proposal in proposals))
        assert not [result for result in results if isinstance(result, DomainError)]
    assert PathHead.objects.count() == len(slices) * (ROUNDS // 2)
    assert sound(world)


def test_overlapping_slices_keep_their_logs_in_order(world):
    slices = [world.slice(f"team{number}", f"team{number}/**", "shared/**") for number in range(4)]
    for number in range(ROUNDS // 2):
        proposals = [
            world.propose(slice, {f"shared/{slice.name}-{number}": b"x", f"{slice.name}/{number}": b"y"})
            for slice in slices
        ]
        results = at_once(*(lambda proposal=proposal: world.merge(proposal) for proposal in proposals))
        assert not [result for result in results if isinstance(result, DomainError)]
    for slice in slices:
        assert SliceLog.objects.filter(slice=slice).count() == Commit.objects.count()
        assert world.fresh(slice).head == Commit.objects.order_by("-seq").first()
    assert sound(world)


def test_one_changeset_landed_by_many_is_one_commit(world):
    slice = world.slice("team", "team/**")
    for number in range(ROUNDS // 2):
        proposal = world.propose(slice, {f"team/{number}": b"x"})
        landings = at_once(*[lambda proposal=proposal: world.merge(proposal)] * 4)
        assert len({landing.commit.pk for landing in landings}) == 1
    assert Commit.objects.count() == ROUNDS // 2


def test_a_definition_that_changes_during_landings_lets_nothing_slip_through(world):
    slice = world.slice("team", "team/**", "extra/**")
    for number in range(ROUNDS // 2):
        edit_slice(
            actor=world.owner, slice=world.fresh(slice), edit=SliceEdit(includes=["team/**", "extra/**"])
        )
        proposal = world.propose(slice, {f"extra/{number}": b"x"})
        landed, _ = at_once(
            lambda proposal=proposal: world.merge(proposal),
            lambda: edit_slice(
                actor=world.owner, slice=world.fresh(slice), edit=SliceEdit(includes=["team/**"])
            ),
        )
        stands = PathHead.objects.filter(path=f"extra/{number}").exists()
        assert stands != isinstance(landed, OutsideSlice)
    assert sound(world)


def test_who_waits_for_a_changeset_finds_its_new_patchset(world):
    changeset = world.propose(world.slice("left", "left/**"), {"left/a": b"one\n"})
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            world.revise(changeset, {"left/a": b"two\n"})
            waiting = pool.submit(_number_of_locked, changeset)
            _until_somebody_waits()
        assert waiting.result() == 2


def _number_of_locked(changeset: Changeset) -> int:
    try:
        with transaction.atomic():
            return locked(changeset).current.number
    finally:
        connection.close()


def _until_somebody_waits() -> None:
    deadline = time.monotonic() + 30
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            assert time.monotonic() < deadline
            time.sleep(0.02)
