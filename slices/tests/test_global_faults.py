"""Batch merges that are killed, doubled, or run while others land."""

from __future__ import annotations

import os
import signal
import time

import pytest
from django.db import connection

from gitslice_core.trees import Item, tree_digest
from slices.fsck import check_organization
from slices.global_state.errors import GlobalMergeRunning
from slices.global_state.merging import merge_global
from slices.global_state.pending import waiting_organizations
from slices.models import GlobalCommit, GlobalState, MergedCommit, PathHead
from slices.tests.test_races import at_once
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def merge_and_die(world, statement):
    """Merge in a process of its own that is killed before its `statement`-th SQL statement; did it live?"""
    child = os.fork()
    if child == 0:
        _parents_own = connection.connection  # stays open here, so that nothing is said on it
        connection.connection = None
        seen = 0

        def count(execute, sql, params, many, context):
            nonlocal seen
            if seen == statement:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1
            return execute(sql, params, many, context)

        code = 1
        try:
            connection.connect()
            with connection.execute_wrapper(count):
                for _ in range(100):
                    try:
                        merge_global(actor=None, organization=world.organization)
                        code = 0
                        break
                    except GlobalMergeRunning:  # the database has not yet noticed that the one before is dead
                        seen = 0
                        time.sleep(0.05)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


def test_a_worker_killed_between_any_two_statements_leaves_all_or_nothing():
    world = World()
    world.land(world.root, {"a": b"start"})
    merge_global(actor=None, organization=world.organization)
    killed = 0
    for statement in range(200):
        before = set(MergedCommit.objects.values_list("seq", flat=True))
        landed = {world.land(world.root, {"a": b"%d" % statement, f"b/{statement}": b"x"}).seq}
        lived = merge_and_die(world, statement)
        after = set(MergedCommit.objects.values_list("seq", flat=True))
        assert after == before or not waiting_organizations()
        assert list(check_organization(world.organization)) == []
        if lived:
            assert landed <= after
            break
        killed += 1
    assert killed > 15
    assert GlobalState.objects.get().head.commit_count >= 1
    heads = PathHead.objects.filter(mode__isnull=False)
    wanted = tree_digest({head.path: Item(head.mode, bytes(head.digest)) for head in heads})
    assert bytes(GlobalState.objects.get().head.tree) == wanted


def test_merges_and_landings_at_once_lose_and_double_nothing():
    world = World()
    teams = [world.slice(f"team{n}", f"team{n}/**", "shared/**") for n in range(3)]
    writers = [world.writer(team, f"writer{n}") for n, team in enumerate(teams)]

    def land(n):
        for turn in range(8):
            world.land(teams[n], {f"team{n}/f": b"%d" % turn, f"team{n}/{turn}": b"x"}, by=writers[n])

    def merge():
        for _ in range(12):
            try:
                merge_global(actor=None, organization=world.organization)
            except GlobalMergeRunning:
                time.sleep(0.01)

    results = at_once(*(lambda n=n: land(n) for n in range(3)), merge, merge)
    assert not [result for result in results if isinstance(result, Exception)]
    merge_global(actor=None, organization=world.organization)
    assert MergedCommit.objects.count() == 24
    assert sum(GlobalCommit.objects.values_list("commit_count", flat=True)) == 24
    assert list(check_organization(world.organization)) == []
