"""Which slices cover a path: one query, and the same answer as asking every slice."""

from __future__ import annotations

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from slices.coverage import covering_slices
from slices.models import Slice
from slices.patterns import patterns_of

pytestmark = pytest.mark.django_db

DEFINITIONS = [
    (["a/**"], []),
    (["a/b"], []),
    (["a/b/c.txt", "x"], []),
    (["**"], ["a/**"]),
    (["**/*.py"], []),
    (["a/**", "x/**"], ["**/c.txt"]),
    (["*/b/**", "a/b/**"], []),
    (["none/**"], []),
]


@pytest.fixture
def slices(world) -> list[Slice]:
    other = world.__class__("other")
    other.slice("everything", "**")
    return [
        world.slice(f"s{n}", *includes, excludes=excludes)
        for n, (includes, excludes) in enumerate(DEFINITIONS)
    ]


def test_coverage_is_what_the_slices_cover(world, slices):
    rng = random.Random(1)
    names = ["a", "b", "x", "c.txt", "p.py"]
    for _ in range(60):
        paths = ["/".join(rng.choices(names, k=rng.randint(1, 4))) for _ in range(rng.randint(1, 20))]
        found = covering_slices(world.organization.pk, paths)
        expected = {slice.pk: set(patterns_of(slice).covered(paths)) for slice in slices}
        assert {pk: set(covered) for pk, covered in found.items()} == {
            pk: e for pk, e in expected.items() if e
        }
        assert all(len(covered) == len(set(covered)) for covered in found.values())


def test_coverage_takes_one_query(world, slices):
    for paths in (["a/b/c.txt"], [f"a/{number}/x.py" for number in range(3000)]):
        with CaptureQueriesContext(connection) as queries:
            covering_slices(world.organization.pk, paths)
        assert len(queries) == 1
    assert covering_slices(world.organization.pk, []) == {}
