"""The board and the page of a conflict, as a browser without JavaScript sees them."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from changesets.models import Changeset
from conflicts.detection import detect
from conflicts.models import Conflict
from tests.pages import Pages, text_of
from tests.world import World

pytestmark = pytest.mark.django_db

BASE = b"".join(b"line %d\n" % number for number in range(40))
OURS = BASE.replace(b"line 3\n", b"ours 3\n").replace(b"line 30\n", b"ours 30\n")
THEIRS = BASE.replace(b"line 3\n", b"theirs 3\n").replace(b"line 30\n", b"theirs 30\n")


@pytest.fixture
def world():
    return World()


@pytest.fixture
def web(world):
    slice = world.slice("web", "shared/**")
    world.land(slice, {"shared/a.py": BASE})
    return slice


@pytest.fixture
def conflict(world, web) -> Conflict:
    changeset = world.propose(web, {"shared/a.py": OURS}, title="Ours")
    world.land(world.slice("shop", "shared/**"), {"shared/a.py": THEIRS}, title="Theirs")
    detect(changeset)
    return Conflict.objects.get()


def address(conflict: Conflict) -> str:
    return f"/acme/conflicts/{conflict.pk}/"


def result_of(html: str) -> str:
    return re.search(r'<textarea class="code mono"[^>]*>\n(.*?)</textarea>', html, re.S).group(1)


def test_the_board_shows_them_by_severity(world, conflict):
    html = Pages(world.owner).get("/acme/conflicts/")
    text = text_of(html)
    assert "high 1 shared/a.py cl-2 acme/web against" in text
    assert "critical 0 None." in text
    assert address(conflict) in html
    assert "No conflict matches" in Pages(world.owner).get("/acme/conflicts/", path="nowhere")


def test_an_empty_board_says_what_would_be_here(world, web):
    assert "No conflicts" in Pages(world.owner).get("/conflicts/")


def test_three_sides_and_the_result(world, conflict):
    html = Pages(world.owner).get(address(conflict))
    text = text_of(html)
    for part in ("Place 1 of 2", "Place 2 of 2", "ours 3", "theirs 3", "line 3", "Both changed 2 places"):
        assert part in text
    assert result_of(html).count("&lt;&lt;&lt;&lt;&lt;&lt;&lt; ours") == 2


def test_sides_are_put_into_the_result(world, conflict):
    html = Pages(world.owner).get(address(conflict), pick0="theirs", pick1="both")
    assert result_of(html) == (
        BASE.replace(b"line 3\n", b"theirs 3\n").replace(b"line 30\n", b"ours 30\ntheirs 30\n").decode()
    )


def test_the_edited_result_becomes_a_patchset_that_lands(world, conflict):
    pages = Pages(world.owner)
    text = THEIRS.replace(b"theirs 3\n", b"both\n").decode().replace("\n", "\r\n")  # as browsers send it
    html = pages.post(
        address(conflict) + "resolve/", choice="manual", text=text, changeset="cl-2", patchset="1"
    )
    assert "chose manual, patchset 2" in text_of(html)
    world.merge(
        Changeset.objects.select_related("slice__organization", "slice__definition", "patchset").get(number=2)
    )
    assert world.files()["shared/a.py"] == THEIRS.replace(b"theirs 3\n", b"both\n")


def test_left_over_markers_are_refused(world, conflict):
    pages = Pages(world.owner)
    html = pages.post(
        address(conflict) + "resolve/", choice="manual", text="<<<<<<< ours\n", changeset="cl-2"
    )
    assert "still has conflict markers" in html
    assert Conflict.objects.get().state == "open"


@pytest.mark.parametrize("choice", ["ours", "theirs"])
def test_one_side_whole(world, conflict, choice):
    html = Pages(world.owner).post(
        address(conflict) + "resolve/", choice=choice, changeset="cl-2", patchset="1"
    )
    assert f"Resolved by choosing {choice}" in text_of(html)


def test_who_comes_late_is_told(world, conflict):
    pages = Pages(world.owner)
    pages.post(address(conflict) + "resolve/", choice="ours", changeset="cl-2", patchset="1")
    html = pages.post(address(conflict) + "resolve/", choice="theirs", changeset="cl-2", patchset="1")
    assert "There is no conflict to resolve" in html or "patchset 2" in html


def test_people_talk_and_take_care(world, conflict):
    pages = Pages(world.owner)
    pages.post(address(conflict) + "comment/", body="Who is **first**?")
    text = text_of(pages.post(address(conflict) + "assign/", assignee="acme-owner"))
    assert "Who is first ?" in text
    assert "asked acme-owner to take care of it" in text
    assert "there is no user nobody" in pages.post(address(conflict) + "assign/", assignee="nobody").lower()


def test_who_may_only_read_is_told_so(world, conflict):
    html = Pages(world.user("reader")).get(address(conflict))
    assert "You may only read acme/web" in html
    assert "<textarea class" not in html


def test_an_unseen_side_stays_unseen(world, web):
    hidden = world.slice("hidden", "shared/**", visibility="private")
    writer = world.writer(web, "writer")
    one = world.propose(hidden, {"shared/a.py": OURS}, title="Unseen title")
    two = world.propose(web, {"shared/a.py": THEIRS}, by=writer)
    detect(one)
    detect(two)
    for path in ("/conflicts/", "/acme/conflicts/", address(Conflict.objects.get())):
        html = Pages(writer).get(path)
        assert "shared/a.py" in html
        for leak in ("hidden<", "acme/hidden", "Unseen title", "ours 3", "acme-owner"):
            assert leak not in html
        assert f"changeset={one.number}" not in html  # that would be the way to hear of it
    assert Pages(world.user("stranger", role=None)).status(address(Conflict.objects.get())) == 404


def test_the_other_end_of_it(world, web):
    one = world.propose(web, {"shared/a.py": OURS})
    two = world.propose(web, {"shared/a.py": THEIRS})
    detect(one)
    detect(two)
    html = Pages(world.owner).get(address(Conflict.objects.get()), changeset=str(two))
    assert text_of(html).index("theirs 3") < text_of(html).index("ours 3")


def test_the_board_costs_the_same_for_many(world, web):
    def queries() -> int:
        pages = Pages(world.owner)
        with CaptureQueriesContext(
            connection,
        ) as context:
            pages.get("/acme/conflicts/")
        return len(context)

    for number in range(3):
        world.propose(web, {"shared/a.py": b"%d\n" % number})
    for changeset in Changeset.objects.open():
        detect(changeset)
    few = queries()
    for number in range(10, 16):
        world.propose(web, {"shared/a.py": b"%d\n" % number})
    for changeset in Changeset.objects.open():
        detect(changeset)
    assert Conflict.objects.count() > 30
    assert queries() <= few <= 22
