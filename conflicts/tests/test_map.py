"""The map: who meets whom, as far as the reader sees it."""

from __future__ import annotations

import pytest

from changesets.models import Changeset
from conflicts.detection import detect
from slices.coverage_counts import count_coverage
from tests.pages import Pages, text_of
from tests.world import World


@pytest.fixture
def world(db):
    world = World()
    for name in ("one", "two", "three"):
        slice = world.slice(name, "shared/**", f"{name}/**")
        world.land(slice, {f"{name}/a": b"1\n", f"shared/{name}": b"1\n"})
    world.slice("dark", "shared/**", "dark/**", visibility="private")
    world.land(world.root, {"dark/deep/secret": b"1\n"})
    count_coverage(world.organization.pk)
    return world


def test_pairs_and_conflicts_stand_in_the_tables(world):
    ours, theirs = (
        world.propose(world.organization.slices.get(name=name), {"shared/one": name.encode()})
        for name in ("one", "two")
    )
    for changeset in (ours, theirs):
        detect(Changeset.objects.get(pk=changeset.pk))
    html = Pages(world.user("member")).get("/acme/map/")
    assert 'data-one="one" data-other="two" data-files="3" data-conflicts="1"' in html
    assert 'data-one="one" data-other="three" data-files="3" data-conflicts="0"' in html
    assert "dark" not in text_of(html)
    assert "secret" not in html
    assert 'data-one="one" data-other="dark"' in Pages(world.owner).get("/acme/map/")


def test_folders_open_and_days_are_counted(world):
    pages = Pages(world.owner)
    html = pages.get("/acme/map/")
    assert 'href="/acme/map/?folder=dark%2Fdeep#tree"' in html
    assert 'data-landings="4"' in html
    assert 'data-landings="4"' in pages.get("/acme/map/", by="week")
    inside = pages.get("/acme/map/", folder="dark")
    assert "dark/deep" in inside
    assert "shared/one" not in inside
    assert "No slice that you see covers a file in this folder" in Pages(world.user("member")).get(
        "/acme/map/", folder="dark"
    )
    assert pages.status("/acme/map/", folder="a/../b") == 400
    assert Pages(world.user("stranger", role=None)).status("/acme/map/") == 404


def test_an_empty_organization_says_so(db):
    page = text_of(Pages(World().owner).get("/acme/map/"))
    assert "No slices meet" in page
    assert "Nothing is counted yet" in page


def test_the_page_asks_no_more_for_more_slices(world, django_assert_max_num_queries):
    pages = Pages(world.owner)
    with django_assert_max_num_queries(16):
        pages.get("/acme/map/")
    for number in range(5):
        world.slice(f"more{number}", "shared/**")
    count_coverage(world.organization.pk)
    with django_assert_max_num_queries(16):
        pages.get("/acme/map/")
