"""The counts of what slices cover follow the landings, and are the same as if they were made anew."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from slices.coverage_counts import count_coverage, folder_of, outdated_coverage
from slices.coverage_map import areas, shared_files, sharing
from slices.global_state.reading import Sight
from slices.models import CoverageCount
from slices.services import SliceEdit, edit_slice
from slices.tasks import count_all_coverage


@pytest.fixture
def tree(world):
    world.slice("web", "web/**")
    world.slice("css", "**/*.css")
    world.slice("hidden", "web/private/**", "secret/**", visibility="private")
    world.land(
        world.root,
        {
            "web/a.py": b"12",
            "web/a.css": b"123",
            "web/private/b.css": b"1",
            "secret/x/y": b"1",
            "top": b"12345",
        },
    )
    count_coverage(world.organization.pk)
    return world


def counts(world) -> list[tuple]:
    names = {slice.pk: slice.name for slice in world.organization.slices.all()}
    rows = CoverageCount.objects.filter(organization=world.organization).order_by("folder", "slices")
    return [(row.folder, sorted(names[pk] for pk in row.slices), row.files, row.bytes) for row in rows]


def named(sight, found) -> list[tuple]:
    return [
        (area.outer, area.inner, [sight.slices[pk].name for pk in area.slices], area.files) for area in found
    ]


def test_files_are_counted_by_folder_and_by_who_covers_them(tree):
    assert counts(tree) == [
        ("", [], 1, 5),
        ("secret/x", ["hidden"], 1, 1),
        ("web", ["web"], 1, 2),
        ("web", ["css", "web"], 1, 3),
        ("web/private", ["css", "hidden", "web"], 1, 1),
    ]
    assert folder_of("a/b/c/d/e/f") == "a/b/c/d"


def test_the_counts_follow_what_lands(tree):
    assert outdated_coverage() == []
    tree.land(tree.root, {"web/a.py": b"1234", "web/a.css": None, "web/new/c.css": b"1", "top": None})
    assert outdated_coverage() == [tree.organization.pk]
    assert count_all_coverage() == 1
    followed = counts(tree)
    assert ("web", ["web"], 1, 4) in followed
    assert not any(folder == "" for folder, *_ in followed)
    call_command("rebuild_coverage", "--org", "acme")
    assert counts(tree) == followed


def test_a_new_definition_counts_anew(tree):
    web = tree.fresh(tree.organization.slices.get(name="web"))
    edit_slice(actor=tree.owner, slice=web, edit=SliceEdit(includes=["web/private/**"]))
    assert outdated_coverage() == [tree.organization.pk]
    assert count_all_coverage() == 1
    assert ("web", [], 1, 2) in counts(tree)


def test_readers_are_told_of_what_they_see(tree):
    member = tree.user("member")
    sight = Sight(member, tree.organization)
    found, more = areas(sight, "")
    assert (sorted(named(sight, found)), more) == (
        [("web", "", ["web"], 1), ("web", "", ["web", "css"], 1), ("web", "private", ["web", "css"], 1)],
        False,
    )
    assert areas(sight, "secret") == ([], False)
    owner = Sight(tree.owner, tree.organization)
    everything = named(owner, areas(owner, "")[0])
    assert ("secret", "x", ["hidden"], 1) in everything
    assert ("", "", [], 1) in everything
    assert named(owner, areas(owner, "web")[0]) == [
        ("private", "", ["web", "css", "hidden"], 1),
        ("", "", ["web"], 1),
        ("", "", ["web", "css"], 1),
    ]


def test_who_shares_how_much(tree):
    member, owner = Sight(tree.user("member"), tree.organization), Sight(tree.owner, tree.organization)
    ids = {slice.name: slice.pk for slice in tree.organization.slices.all()}
    assert sharing(member) == {ids["web"]: (3, 2), ids["css"]: (2, 2)}
    assert sharing(owner)[ids["hidden"]] == (2, 1)
    pair = tuple(sorted((ids["web"], ids["css"])))
    assert shared_files(member, set(ids.values())) == {pair: 2}
    assert len(shared_files(owner, set(ids.values()))) == 3
