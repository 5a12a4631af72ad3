"""Definitions that change while others land, and plans that stay on their index."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from gitslice.common.errors import NameTaken
from slices.fsck import check_organization
from slices.models import SliceLog
from slices.moments import Moment
from slices.patterns import Patterns
from slices.services import SliceEdit, edit_slice
from slices.snapshots import entries_query
from tests.threads import at_once
from tests.world import World


@pytest.mark.django_db(transaction=True)
def test_slices_made_and_changed_while_others_land_miss_no_commit():
    world = World()
    team = world.slice("team", "team/**")
    changing = world.slice("changing", "elsewhere/**")
    for turn in range(5):
        proposals = [
            world.propose(team, {f"team/{turn}-{n}": b"x", f"team/{n}": b"%d" % turn}) for n in range(3)
        ]
        results = at_once(
            *(lambda proposal=proposal: world.merge(proposal) for proposal in proposals),
            lambda turn=turn: world.slice(f"new{turn}", "team/**"),
            lambda turn=turn: edit_slice(
                actor=world.owner,
                slice=world.fresh(changing),
                edit=SliceEdit(includes=["team/**"] if turn % 2 else ["team/1"]),
            ),
        )
        assert not [result for result in results if isinstance(result, Exception)]
    assert list(check_organization(world.organization)) == []
    assert SliceLog.objects.filter(slice__name="new4").count() == 15


@pytest.mark.django_db(transaction=True)
def test_of_two_slices_of_one_name_one_is_made():
    world = World()
    results = at_once(*[lambda: world.slice("same", "a/**")] * 4)
    assert sum(isinstance(result, NameTaken) for result in results) == 3
    assert list(check_organization(world.organization)) == []


@pytest.mark.django_db(transaction=True)
def test_edits_at_once_make_one_chain_of_definitions():
    world = World()
    slice = world.slice("s", "a/**")
    results = at_once(
        *(
            lambda n=n: edit_slice(
                actor=world.owner, slice=world.fresh(slice), edit=SliceEdit(add=[f"b{n}/**"])
            )
            for n in range(4)
        )
    )
    assert not [result for result in results if isinstance(result, Exception)]
    slice = world.fresh(slice)
    assert slice.definition.version == 5
    assert set(slice.definition.includes) == {"a/**", "b0/**", "b1/**", "b2/**", "b3/**"}
    assert list(check_organization(world.organization)) == []


@pytest.mark.django_db
@pytest.mark.parametrize("includes", [("a/b/**",), ("a/b/**", "c/**"), ("a/b*/x",), ("a/b.txt",)])
def test_a_manifest_reads_only_its_range_of_the_index(includes):
    world = World()
    query = entries_query(world.organization.pk, Patterns(includes, ("a/b/secret/**",)), Moment(10**9))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO slices_pathhead (organization_id, path, mode, digest, size, seq)"
            " SELECT %s, 'dir' || n / 100 || '/file' || n, '100644', sha256(n::text::bytea), n, 1"
            " FROM generate_series(1, 10000) n",
            [world.organization.pk],
        )
        cursor.execute("ANALYZE slices_pathhead")
        cursor.execute(f"EXPLAIN {query.sql} ORDER BY path", query.parameters)
        plan = [line for (line,) in cursor]
    scans = [line for line in plan if "Index Cond" in line and "seq" not in line]
    exact = [line for line in scans if "path >=" in line and "path <" in line]
    assert exact == scans != [], "\n".join(plan)
