"""The diff of a changeset as a browser asks for it, with and without JavaScript."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from changesets.models import FileView
from changesets.reading import changeset_pairs
from changesets.services import rebase_changeset
from changesets.talking import comment_on_changeset
from slices.views.diff_rows import Look, WordWork, diff_rows
from slices.views.diffs import FIRST_LINES, Compared, anchor_of, listed_diffs, shown_diffs
from tests.api import Api, code_of
from tests.pages import Pages, text_of
from tests.world import World

pytestmark = pytest.mark.django_db

BASE = b"".join(b"line_%d = %d\n" % (number, number) for number in range(200))
EDITED = BASE.replace(b"line_100 = 100\n", b"line_100 = 1000\n")
PICTURES = [b"\x89PNG\r\n\x1a\n\0one", b"\x89PNG\r\n\x1a\n\0two"]
FILES = "/acme/changesets/2/files/"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def web(world):
    slice = world.slice("web", "web/**", "gen/**", ".gitattributes")
    attributes = b"gen/*.py linguist-generated\nyarn.lock -linguist-generated\n"
    files = {"web/a.py": BASE, "web/logo.png": PICTURES[0], "gen/g.py": BASE, "web/uv.lock": BASE}
    world.land(slice, files | {".gitattributes": attributes, "web/yarn.lock": BASE})
    return slice


@pytest.fixture
def changeset(world, web):
    code = dict.fromkeys(("web/a.py", "gen/g.py", "web/uv.lock", "web/yarn.lock"), EDITED)
    return world.propose(web, code | {"web/logo.png": PICTURES[1], "web/new.txt": b"new\n"}, title="Edit")


@pytest.fixture
def pages(world, changeset):
    return Pages(world.owner)


def section(html: str, path: str) -> str:
    return html.partition(f'id="{anchor_of(path)}"')[2].partition("</section>")[0]


def part(pages: Pages, path: str = "web/a.py", **query) -> str:
    return pages.get(FILES, path=path, **query)


def test_words_that_changed_are_marked_in_both_views(pages):
    assert "<mark>" in section(pages.get(FILES), "web/a.py")
    split = section(pages.get(FILES, view="split"), "web/a.py")
    assert "<mark>" in split
    assert 'class="diff split"' in split


def test_the_view_is_chosen_by_address_and_remembered_when_chosen(pages):
    assert "diff split" in pages.get(FILES, view="split")
    assert "diff split" not in pages.get(FILES)  # an address that somebody sent changes no habit
    answer = pages.client.get(FILES, {"keep": "split", "patchset": "1", "view": "unified"})
    assert (answer.status_code, answer["Location"]) == (302, f"{FILES}?patchset=1")
    assert answer.cookies["diff_view"]["httponly"]
    assert "diff split" in pages.get(FILES)
    assert "diff split" in pages.get("/acme/slices/web/commits/HEAD/")
    pages.client.get(FILES, {"keep": "unified"})
    assert "diff split" not in pages.get(FILES)
    assert "diff split" not in pages.get(FILES, keep="sideways")


def test_lines_between_hunks_come_in_steps_or_all(pages):
    lines = {"part": "lines", "first": 1, "last": 97, "shift": 0, "above": False, "below": True}
    up = part(pages, take="up", **lines)
    assert up.count("<tr>") == 20
    assert "77 unchanged lines" in up
    anchor = anchor_of("web/a.py")
    assert f'id="{anchor}R97"' in up
    assert f'id="{anchor}R77"' not in up
    down = part(pages, take="down", **lines | {"shift": 3})
    assert f'id="{anchor}R1"' in down
    assert f'id="{anchor}L4"' in down
    every = part(pages, take="all", **lines)
    assert every.count("<tr>") == 97
    assert "unchanged" not in every
    assert 'class="o"' in every  # coloured


def test_without_javascript_a_link_shows_the_whole_file(pages):
    html = section(pages.get(FILES), "web/a.py")
    assert "96 unchanged lines" in html
    assert "whole=web%2Fa.py" in html
    whole = section(pages.get(FILES, whole="web/a.py"), "web/a.py")
    assert "unchanged lines" not in whole
    assert f'id="{anchor_of("web/a.py")}R200"' in whole


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"part": "lines", "path": "web/a.py", "first": 0, "last": 5, "shift": 0}, 400),
        ({"part": "lines", "path": "web/a.py", "first": 500, "last": 600, "shift": 0}, 400),
        ({"part": "lines", "path": "web/a.py", "first": "x", "last": 5, "shift": 0}, 400),
        ({"part": "lines", "path": "web/unknown.py", "first": 1, "last": 5, "shift": 0}, 404),
        ({"part": "file", "path": "gen/other.py"}, 404),
        ({"part": "files", "page": 2}, 404),
        ({"part": "image", "path": "web/a.py", "side": "new"}, 404),
        ({"part": "image", "path": ".gitattributes", "side": "new"}, 404),
        ({"part": "nothing", "path": "web/a.py"}, 404),
        ({"page": 0}, 404),
        ({"page": "x"}, 400),
        ({"patchset": 7}, 404),
    ],
)
def test_parts_that_are_none(pages, query, status):
    assert pages.status(FILES, **query) == status


def test_who_may_not_see_the_changeset_sees_no_part_of_it(world, changeset):
    stranger = Pages(world.user("stranger", role=None))
    for query in ({"part": "file", "path": "web/a.py"}, {"part": "image", "path": "web/logo.png"}):
        assert stranger.status(FILES, **query) == 404
    assert stranger.client.post(f"{FILES}viewed/", {"viewed": "web/a.py"}).status_code == 404


def test_generated_files_are_closed_until_asked_for(pages):
    html = pages.get(FILES)
    for path in ("web/uv.lock", "gen/g.py"):
        shown = section(html, path)
        assert "generated" in shown
        assert "<details open" not in shown
        assert "<table" not in shown
        assert "part=file" in shown
        assert "<table" in section(pages.get(FILES, only=path), path)
        assert "<mark>" in part(pages, path, part="file")
    assert "<table" in section(html, "web/yarn.lock")  # .gitattributes says that people write it


def test_attributes_outside_the_slice_say_nothing(world):
    narrow = world.slice("narrow", "web/**")
    world.land(world.root, {".gitattributes": b"*.py linguist-generated\n"})
    world.land(narrow, {"web/a.py": BASE})
    changeset = world.propose(narrow, {"web/a.py": EDITED})
    html = Pages(world.owner).get(f"/acme/changesets/{changeset.number}/files/")
    assert "generated" not in section(html, "web/a.py")


def test_pictures_are_shown_before_and_after(pages):
    html = section(pages.get(FILES), "web/logo.png")
    assert "side=old" in html
    assert "side=new" in html
    for side, content in zip(("old", "new"), PICTURES, strict=True):
        answer = pages.client.get(FILES, {"part": "image", "path": "web/logo.png", "side": side})
        assert answer.getvalue() == content
        assert answer["Content-Type"] == "image/png"
        assert "sandbox" in answer["Content-Security-Policy"]


def test_long_diffs_come_when_asked_for(world, web):
    long = b"".join(b"n%d\n" % number for number in range(1_600))
    changeset = world.propose(web, {"web/long.txt": long})
    address = f"/acme/changesets/{changeset.number}/files/"
    pages = Pages(world.owner)
    assert "1,600 lines. Load the diff" in text_of(pages.get(address))
    assert "n1599" in pages.get(address, only="web/long.txt")
    assert "n1599" in pages.get(address, part="file", path="web/long.txt")


def test_files_are_marked_as_viewed_by_a_form(world, pages):
    html = pages.get(FILES)
    assert "0 of 6 files viewed" in text_of(html)
    html = pages.post(f"{FILES}viewed/", viewed="web/a.py", patchset=1)
    assert "1 of 6 files viewed" in text_of(html)
    shown = section(html, "web/a.py")
    assert 'aria-pressed="true"' in shown
    assert "<details open" not in shown
    assert "0 of 6 files viewed" in text_of(Pages(world.user("other")).get(FILES))
    assert "0 of 6 files viewed" in text_of(pages.post(f"{FILES}viewed/", unviewed="web/a.py"))
    assert "has no" in pages.post(f"{FILES}viewed/", viewed="web/a.py", patchset=7)
    assert not FileView.objects.exists()


def test_htmx_gets_the_count_alone(pages):
    answer = pages.client.post(f"{FILES}viewed/", {"viewed": "web/a.py"}, headers={"HX-Request": "true"})
    assert text_of(answer.content.decode()) == "1 of 6 files viewed"
    wrong = pages.client.post(f"{FILES}viewed/", {"viewed": "web/b.py"}, headers={"HX-Request": "true"})
    assert wrong.status_code == 404


def test_nobody_marks_files_of_a_public_changeset(world):
    open_slice = world.slice("open", "open/**", visibility="public")
    world.land(open_slice, {"open/a.py": BASE})
    changeset = world.propose(open_slice, {"open/a.py": EDITED})
    address = f"/acme/changesets/{changeset.number}/files/"
    assert "files viewed" not in text_of(Pages().get(address))
    assert Pages().status(f"{address}viewed/") == 405
    assert Pages().client.post(f"{address}viewed/", {"viewed": "open/a.py"}).status_code == 302
    assert not FileView.objects.exists()


def test_marks_by_the_api(world, changeset):
    api = Api(world.token(world.owner))
    state = api.post("changesets/acme/2/viewed/", {"path": "web/a.py"}).json()
    assert (state["viewed"], state["file_count"]) == (1, 6)
    assert {"path": "web/a.py", "viewed": True} in state["items"]
    assert Api(world.token(world.user("other"))).get("changesets/acme/2/viewed/").json()["viewed"] == 0
    assert api.post("changesets/acme/2/viewed/", {"path": "web/a.py", "viewed": False}).json()["viewed"] == 0
    assert code_of(api.post("changesets/acme/2/viewed/", {"path": "web/b"})) == (404, "path_not_found")
    assert code_of(api.post("changesets/acme/2/viewed/", {"path": "web/a.py", "patchset": 5}))[0] == 404
    assert code_of(api.post("changesets/acme/2/viewed/", {}))[0] == 400
    stranger = Api(world.token(world.user("stranger", role=None)))
    assert code_of(stranger.get("changesets/acme/2/viewed/")) == (404, "changeset_not_found")


def test_two_patchsets_are_compared_and_the_page_says_what_is_left_out(world, web, pages, changeset):
    world.land(web, {"web/a.py": BASE.replace(b"line_1 = 1\n", b"theirs = 1\n")})
    rebase_changeset(actor=world.owner, changeset=changeset)
    html = pages.get(FILES, against="1")
    text = text_of(html)
    assert "What patchset 2 changed of patchset 1" in text
    assert "left out, in 1 file" in text
    assert "No differences" in text
    assert "theirs" not in text
    both = {"against": "1", "part": "file", "path": "web/a.py"}
    assert pages.status(FILES, **both) == 404


def test_without_javascript_a_line_is_commented_on_by_a_page(world, pages, changeset):
    html = pages.get(FILES)
    links = re.findall(r'class="say" [^>]*href="([^"]*)"', html)
    page = pages.get(FILES + unescape(links[-1]))
    assert "<title>Comment on" in page
    assert re.search(r"<form[^>]* action=\"/acme/changesets/\d+/comment/\"", page)
    fields = {
        name: re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in ("path", "line", "side", "of")
    }
    assert "Is this right?" in pages.post(
        FILES.replace("files/", "comment/"), body="Is this right?", **fields
    )


def test_comments_are_counted_in_the_list(world, pages, changeset):
    comment_on_changeset(actor=world.owner, changeset=changeset, body="Why?", path="web/a.py", line=101)
    html = pages.get(FILES)
    assert "1 commented line" in html
    assert "Why?" in section(html, "web/a.py")
    assert "Why?" in part(pages, part="file")


def many(world: World, web, count: int, name: str) -> str:
    files = {f"web/{name}/{number:04}.py": b"x = %d\n" % number for number in range(count)}
    world.land(web, files)
    changeset = world.propose(web, {path: text + b"y = 1\n" for path, text in files.items()})
    for path in list(files)[:3]:
        FileView.objects.create(changeset=changeset, user=world.owner, path=path, digest=b"d" * 32)
    return f"/acme/changesets/{changeset.number}/files/"


def test_a_page_costs_the_same_queries_at_any_size(world, web):
    pages = Pages(world.owner)
    counts = []
    for count in (4, 130):
        address = many(world, web, count, f"n{count}")
        with CaptureQueriesContext(
            connection,
        ) as asked:
            pages.get(address)
        counts.append(len(asked))
    assert counts[1] <= counts[0] <= 18


def test_later_files_come_by_pages(world, web):
    pages = Pages(world.owner)
    address = many(world, web, 130, "many")
    html = pages.get(address)
    assert html.count('<section class="file') == 100
    assert html.count("data-page-of=") == 30
    assert "130 files changed" in text_of(html)
    assert pages.get(address, part="files", page=2).count('<section class="file') == 30
    assert pages.get(address, page=2).count('<section class="file') == 30
    last = "web/many/0129.py"
    assert section(pages.get(address, only=last), last)


def test_commits_and_comparisons_have_the_same_parts(world, web, pages):
    world.land(web, {"web/a.py": EDITED})
    query = {"part": "lines", "path": "web/a.py", "first": 1, "last": 97, "shift": 0, "take": "all"}
    assert pages.get("/acme/slices/web/commits/HEAD/", **query).count("<tr>") == 97
    assert pages.status("/acme/slices/web/compare/HEAD...HEAD/", **query) == 404
    html = pages.get("/acme/slices/web/commits/HEAD/")
    assert "part=lines" in html
    assert "/commits/HEAD/?view" not in html  # the parts name the commit for good


def test_files_whose_anchors_are_alike_are_both_shown(world):
    """Nobody hides a file from review behind another by its name."""
    one, other = "web/d7e77869948b", "web/7f217f6b6dc8"
    assert anchor_of(one) == anchor_of(other)
    slice = world.slice("all-web", "web/**")
    lines = b"".join(b"%d\n" % number for number in range(FIRST_LINES - 100))
    change = world.propose(slice, {one: lines, other: lines + b"more\n"})
    compared = Compared(change.organization_id, "", changeset_pairs(change.current))
    shown = shown_diffs(compared, listed_diffs(compared, compared.pairs))
    assert [(file.when, bool(file.rows)) for file in shown] == [("now", True), ("later", False)]


def test_words_are_compared_as_long_as_there_is_time_for_it():
    hunk = {"old_start": 1, "old_count": 1, "new_start": 1, "new_count": 1, "lines": ["-a b c d", "+a b c e"]}
    file = {"path": "x", "renamed_from": None, "hunks": [hunk]}
    work = WordWork(7 * 7)
    rows = ["".join(diff_rows(file, 1, Look("x", "f", "", words=work))) for _ in range(2)]
    assert ["<mark" in row for row in rows] == [True, False]
