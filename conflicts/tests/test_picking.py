"""Choices place by place: what they make of the file, what is remembered of them, several in one patchset, live pages."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from changesets.models import Changeset
from changesets.plans import load_edits
from conflicts.detection import detect
from conflicts.models import Conflict, ConflictEvent
from conflicts.picking import EDIT, TAKEN, chosen_at, picked
from gitslice_core.merge import mark, merge
from slices.models import Slice
from tests.api import Api, code_of
from tests.pages import Pages, text_of
from tests.world import World

BASE = b"".join(b"line %d\n" % number for number in range(40))
OURS = BASE.replace(b"line 3\n", b"ours 3\n").replace(b"line 30\n", b"ours 30\n")
THEIRS = BASE.replace(b"line 3\n", b"theirs 3\n").replace(b"line 30\n", b"theirs 30\n")
LETTERS = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n"]), max_size=8).map(b"".join)


@given(LETTERS, LETTERS, LETTERS, st.data())
def test_what_was_taken_is_found_in_what_it_made(base, ours, theirs, data):
    result = merge(base, ours, theirs)
    picks = {at: data.draw(st.sampled_from(TAKEN)) for at in range(len(result.conflicts))}
    assert chosen_at(result, picks, mark(picked(result, picks))) == list(picks.values())


def test_a_place_that_says_something_else_was_edited():
    result = merge(BASE, OURS, THEIRS)
    content = OURS.replace(b"ours 30\n", b"mine\n")
    assert chosen_at(result, {0: "ours", 1: "theirs"}, content) == ["ours", EDIT]
    assert chosen_at(result, {0: "ours"}, content) == ["ours", EDIT]
    assert chosen_at(result, {0: "ours", 1: "ours"}, content.replace(b"line 9\n", b"")) == ["ours", EDIT]


@pytest.fixture
def world(db):
    return World()


@pytest.fixture
def web(world) -> Slice:
    slice = world.slice("web", "shared/**")
    world.land(slice, {f"shared/{name}.py": BASE for name in "abc"})
    return slice


def collide(world: World, slice: Slice, ours: dict, theirs: dict) -> Changeset:
    """A changeset of ours, after theirs landed through another slice."""
    changeset = world.propose(slice, ours, title="Ours")
    other = Slice.objects.filter(name="shop").first() or world.slice("shop", "shared/**")
    world.land(other, theirs, title="Theirs")
    detect(changeset)
    return changeset


def address(changeset: Changeset, path: str) -> str:
    return f"/acme/conflicts/{Conflict.objects.get(changeset=changeset, path=path, state='open').pk}/"


def fresh(changeset: Changeset) -> Changeset:
    related = ("slice__organization", "slice__definition", "patchset__base", "author", "organization")
    return Changeset.objects.select_related(*related).get(pk=changeset.pk)


def test_the_api_makes_the_file_of_what_was_chosen_at_each_place(world, web):
    changeset = collide(world, web, {"shared/a.py": OURS}, {"shared/a.py": THEIRS})
    api = Api(world.token(world.owner))
    at = f"changesets/acme/{changeset.number}/resolve/"
    chosen = {"path": "shared/a.py", "choice": "manual", "hunks": ["theirs", "both"]}
    assert code_of(api.post(at, {"resolutions": [chosen | {"hunks": ["ours"]}]}))[1] == "unresolvable"
    assert code_of(api.post(at, {"resolutions": [chosen | {"hunks": ["ours", "edit"]}]}))[1] == "unresolvable"
    assert code_of(api.post(at, {"resolutions": [chosen | {"hunks": ["ours", "x"]}]}))[0] == 400
    assert code_of(api.post(at, {"resolutions": [chosen | {"seen": "0" * 64}]}))[1] == "unresolvable"
    assert api.post(at, {"resolutions": [chosen]}).status_code == 200
    world.merge(fresh(changeset))
    assert world.files()["shared/a.py"] == THEIRS.replace(b"theirs 30\n", b"ours 30\ntheirs 30\n")
    [event] = ConflictEvent.objects.filter(action="resolved")
    assert event.detail == {"choice": "manual", "patchset": 2, "hunks": ["theirs", "both"]}
    events = api.get(f"conflicts/acme/{event.conflict_id}/events/").json()["items"]
    assert events[-1]["detail"]["hunks"] == ["theirs", "both"]


def test_the_page_remembers_what_was_chosen_at_each_place(world, web):
    changeset = collide(world, web, {"shared/a.py": OURS}, {"shared/a.py": THEIRS})
    pages, at = Pages(world.owner), address(changeset, "shared/a.py")
    page = pages.get(at, pick0="theirs", pick1="edit")
    assert 'name="pick0" value="theirs"' in page
    assert page.count("&lt;&lt;&lt;&lt;&lt;&lt;&lt; ours") == 1
    text = THEIRS.replace(b"theirs 30\n", b"both 30\n").decode()
    html = pages.post(
        f"{at}resolve/", choice="manual", text=text, pick0="theirs", pick1="edit", patchset="1",
        changeset=str(changeset), mode="1", executable="1",
    )  # fmt: skip
    assert "Place 1: theirs Place 2: edited" in text_of(html)
    [edit] = load_edits(fresh(changeset).current)
    assert edit.new.mode == "100755"


def test_several_are_decided_one_after_the_other_and_resolved_in_one_patchset(world, web):
    paths = [f"shared/{name}.py" for name in "abc"]
    changeset = collide(world, web, dict.fromkeys(paths, OURS), dict.fromkeys(paths, THEIRS))
    pages, name = Pages(world.owner), str(changeset)
    page = pages.get(address(changeset, paths[0]), changeset=name)
    assert f"1 of 3 open conflicts of {name}" in text_of(page)
    assert address(changeset, paths[1]) in page
    kept = {"changeset": name, "patchset": "1", "keep": "1"}
    html = pages.post(address(changeset, paths[0]) + "resolve/", choice="ours", **kept)
    assert "shared/b.py" in text_of(html).partition("Ours")[0]
    html = pages.post(address(changeset, paths[1]) + "resolve/", choice="manual", text=BASE.decode(), **kept)
    assert "2 choices wait" in text_of(html)
    assert fresh(changeset).current.number == 1
    settle = f"/acme/changesets/{changeset.number}/settle/"
    assert f"2 conflicts of {name} resolved in one patchset" in text_of(pages.post(settle))
    now = fresh(changeset).current
    assert (now.number, now.decisions) == (2, {paths[0]: "ours", paths[1]: "manual"})
    assert Conflict.objects.open().get().path == paths[2]
    html = pages.post(address(changeset, paths[2]) + "resolve/", choice="ours", **kept)
    assert "look at it again" in html
    pages.post(address(changeset, paths[2]) + "resolve/", choice="ours", **kept | {"patchset": "2"})
    assert "Forgotten" in pages.post(settle, drop="1")
    assert "waits" in pages.post(settle)


def test_a_file_that_they_deleted_is_kept_edited_or_let_go(world, web):
    changeset = collide(world, web, {"shared/a.py": OURS, "shared/b.py": None}, {"shared/a.py": None})
    pages, at = Pages(world.owner), address(changeset, "shared/a.py")
    page = pages.get(at)
    assert "Keep the file as we have it" in page
    assert "Delete the file" in page
    pages.post(f"{at}resolve/", choice="manual", text="kept\r\n", changeset=str(changeset), patchset="1")
    world.merge(fresh(changeset))
    assert world.files()["shared/a.py"] == b"kept\n"


def test_binary_files_take_a_version_of_neither(world, web):
    world.land(web, {"shared/x.bin": b"\0\1"})
    changeset = collide(world, web, {"shared/x.bin": b"\0\2"}, {"shared/x.bin": b"\0\3"})
    pages, at = Pages(world.owner), address(changeset, "shared/x.bin")
    assert 'type="file"' in pages.get(at)
    both = SimpleUploadedFile("x.bin", b"\0\5")
    pages.post(f"{at}resolve/", choice="manual", file=both, changeset=str(changeset), patchset="1")
    world.merge(fresh(changeset))
    assert world.files()["shared/x.bin"] == b"\0\5"


def test_a_file_in_the_way_of_a_folder_may_move(world, web):
    changeset = collide(world, web, {"shared/new": b"file\n"}, {"shared/new/x": b"below\n"})
    pages = Pages(world.owner)
    page = pages.get(address(changeset, "shared/new"))
    move = f"/acme/slices/web/move/shared/new?changeset={changeset.number}"
    assert move in page
    assert "Ours, and delete what stands in its way" in page
    assert "delete what stands" not in Pages(world.writer(web, "writer")).get(
        address(changeset, "shared/new")
    )
    assert pages.status(move.partition("?")[0], changeset=changeset.number) == 200


def test_a_mode_is_chosen(world, web):
    changeset = world.propose(web, world.edits(world.owner, {"shared/run": b"x\n"}, mode="100755"))
    world.land(web, {"shared/run": b"x\n"})
    detect(changeset)
    pages, at = Pages(world.owner), address(changeset, "shared/run")
    page = text_of(pages.get(at))
    assert ("Ours: executable" in page, "Theirs: not executable (100644)" in page) == (True, True)
    pages.post(f"{at}resolve/", choice="ours", changeset=str(changeset), patchset="1")
    [edit] = load_edits(fresh(changeset).current)
    assert (edit.op, edit.new.mode) == ("modify", "100755")


def test_open_changesets_are_merged_place_by_place(world, web):
    one, two = (world.propose(web, {"shared/a.py": content}) for content in (OURS, THEIRS))
    detect(one)
    detect(two)
    chosen = {"path": "shared/a.py", "choice": "manual", "hunks": ["theirs", "ours"]}
    api = Api(world.token(world.owner))
    assert api.post(f"changesets/acme/{two.number}/resolve/", {"resolutions": [chosen]}).status_code == 200
    world.merge(fresh(two))
    assert world.files()["shared/a.py"] == THEIRS.replace(b"theirs 3\n", b"ours 3\n")
    [event] = ConflictEvent.objects.filter(action="resolved")
    assert event.detail["hunks"] == ["theirs", "ours"]


def test_who_decides_on_what_has_changed_is_told(world, web):
    changeset = collide(world, web, {"shared/a.py": OURS}, {"shared/a.py": THEIRS})
    pages, at = Pages(world.owner), address(changeset, "shared/a.py")
    seen = pages.get(at).partition('name="looked_at" value="')[2].partition('"')[0]
    live = pages.get(at).partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
    assert pages.client.get(live, headers={"HX-Request": "true"}).status_code == 204
    world.land(Slice.objects.get(name="shop"), {"shared/a.py": THEIRS.replace(b"line 9\n", b"nine\n")})
    detect(changeset)
    told = pages.client.get(live, headers={"HX-Request": "true"}).content.decode()
    assert "It changed while you looked at it" in told
    assert "<textarea" not in told
    fields = {"choice": "manual", "text": "x", "changeset": str(changeset), "patchset": "1"}
    html = pages.post(f"{at}resolve/", looked_at=seen, **fields)
    assert "was changed again by them" in html
    assert Conflict.objects.get().state == "open"


def test_somebody_takes_it_and_nobody_does(world, web):
    changeset = collide(world, web, {"shared/a.py": OURS}, {"shared/a.py": THEIRS})
    pages, at = Pages(world.owner), address(changeset, "shared/a.py")
    html = pages.post(f"{at}assign/", assignee="acme-owner")
    assert "Take it" not in html
    html = pages.post(f"{at}assign/", assignee="")
    assert "asked nobody any more" in text_of(html)


def board(world: World, **query: object) -> str:
    return text_of(Pages(world.owner).get("/acme/conflicts/", **query).partition('id="columns"')[2])


def test_the_board_is_filtered_by_its_address(world, web):
    changeset = collide(
        world,
        web,
        {"shared/a.py": OURS, "shared/b.py": OURS},
        {"shared/a.py": THEIRS, "shared/b.py": None},
    )
    assert "shared/a.py" in board(world, severity="high")
    assert "shared/b.py" not in board(world, severity="high")
    assert "shared/b.py" in board(world, kind="modify_delete")
    assert "shared/a.py" not in board(world, kind="modify_delete")
    assert "No conflict matches" in board(world, state="resolved")
    Pages(world.owner).post(
        address(changeset, "shared/a.py") + "resolve/", choice="ours", changeset=str(changeset), patchset="1"
    )
    assert "shared/a.py" in board(world, state="resolved")
    assert "shared/a.py" not in board(world)
    assert "shared/b.py" in board(world, slice="web", mine="1")
    assert "No conflict matches" in board(world, slice="shop", mine="1")
    for query in ({"severity": "grave"}, {"kind": "x"}, {"state": "x"}):
        assert Pages(world.owner).status("/acme/conflicts/", **query) == 400


def test_one_severity_is_shown_in_pages(world, web):
    paths = [f"shared/{name}.py" for name in "abc"]
    collide(world, web, dict.fromkeys(paths, OURS), dict.fromkeys(paths, THEIRS))
    pages = Pages(world.owner)
    first = pages.get("/acme/conflicts/", severity="high", limit=2)
    assert ("shared/c.py" in first, "shared/b.py" in first, "shared/a.py" in first) == (True, True, False)
    cursor = first.partition("cursor=")[2].partition('"')[0].partition("&")[0]
    assert "shared/a.py" in pages.get("/acme/conflicts/", severity="high", limit=2, cursor=cursor)


def test_a_filter_tells_nothing_of_an_unseen_side(world, web):
    hidden = world.slice("hidden", "shared/**", visibility="private")
    writer = world.writer(web, "writer")
    one = world.propose(hidden, {"shared/a.py": OURS})
    two = world.propose(web, {"shared/a.py": THEIRS}, by=writer)
    detect(one)
    detect(two)
    pages = Pages(writer)
    assert "shared/a.py" in pages.get("/acme/conflicts/")
    for query in ({"severity": "high"}, {"kind": "content"}):
        assert "shared/a.py" not in pages.get("/acme/conflicts/", **query)


def test_the_board_says_nothing_while_nothing_changes(world, web):
    pages = Pages(world.owner)
    ask = {"headers": {"HX-Request": "true"}}
    page = pages.get("/acme/conflicts/")
    poll = page.partition('hx-get="/acme/conflicts/?seen')[2].partition('"')[0]
    poll = f"/acme/conflicts/?seen{poll}"
    with CaptureQueriesContext(connection) as context:
        assert pages.client.get(poll, **ask).status_code == 204
    assert len(context) <= 6
    collide(world, web, {"shared/a.py": OURS}, {"shared/a.py": THEIRS})
    assert "shared/a.py" in pages.client.get(poll, **ask).content.decode()


def test_the_page_costs_the_same_for_many_conflicts(world, web):
    def queries(changeset: Changeset) -> int:
        pages, at = Pages(world.owner), address(changeset, "shared/a.py")
        with CaptureQueriesContext(connection) as context:
            pages.get(at)
        return len(context)

    few = queries(collide(world, web, {"shared/a.py": OURS}, {"shared/a.py": THEIRS}))
    paths = {f"shared/n{number}.py" for number in range(20)}
    many = collide(
        world,
        web,
        dict.fromkeys(paths, OURS) | {"shared/a.py": OURS},
        dict.fromkeys(paths, THEIRS) | {"shared/a.py": BASE},
    )
    assert queries(many) <= few + 1 <= 26
