"""Blame: by whom each line of a file is, as the reader of a slice sees it."""

from __future__ import annotations

import pytest

from changesets.edits import WantedEdit
from slices import blame as blaming
from slices.models import Commit
from tests.pages import Pages, text_of

FIRST = b"one\ntwo\nthree\nfour\nfive\n"


@pytest.fixture
def web(world):
    slice = world.slice("web", "web/**")
    world.land(slice, {"web/a.py": FIRST}, title="First")
    ann = world.writer(slice, "ann")
    world.land(slice, {"web/a.py": FIRST.replace(b"two", b"2")}, by=ann, title="Second")
    return world.fresh(slice)


@pytest.fixture
def ask(api):
    def blamed(slice="web", path="web/a.py", user=None, **query):
        caller = api(user) if user else api()
        return caller.get(f"slices/acme/{slice}/blame/", path=path, **query)

    return blamed


def authors(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [line["author"] for line in answer.json()["lines"]]


def titles(answer) -> list[str]:
    body = answer.json()
    messages = {commit["commit"]: commit["message"] for commit in body["commits"]}
    return [messages[line["commit"]] for line in body["lines"]]


def rename(world, old: str, new: str, content: bytes | None = None) -> WantedEdit:
    standing = world.edits(world.owner, {old: content if content is not None else world.files()[old]})[0]
    return WantedEdit("rename", new, standing.mode, standing.digest, renamed_from=old)


def test_each_line_has_who_changed_it(ask, web):
    answer = ask()
    assert authors(answer) == ["acme-owner", "ann", "acme-owner", "acme-owner", "acme-owner"]
    line = answer.json()["lines"][1]
    assert (line["number"], line["text"], line["changeset"]) == (2, "2", "cl-2")
    assert [commit["message"] for commit in answer.json()["commits"]] == ["Second", "First"]
    assert answer.json()["complete"] is True


def test_at_an_older_commit(ask, web):
    first = Commit.objects.get(message="First")
    assert titles(ask(commit=first.hex)) == ["First"] * 5
    assert ask(commit="abcdef").status_code == 404


def test_it_is_known_again_by_its_tag(ask, web, api):
    owner = api()
    tag = owner.get("slices/acme/web/blame/", path="web/a.py")["ETag"]
    assert owner.get("slices/acme/web/blame/", {"If-None-Match": tag}, path="web/a.py").status_code == 304
    assert owner.get("slices/acme/web/blame/", {"If-None-Match": tag}, path="web/b.py").status_code == 404


def test_through_a_rename_that_changed_lines_too(world, web, ask):
    moved = world.files()["web/a.py"].replace(b"five", b"5")
    world.land(web, [rename(world, "web/a.py", "web/b.py", moved)], title="Moved")
    world.land(web, {"web/b.py": moved.replace(b"one", b"1")}, title="Last")
    answer = ask(path="web/b.py")
    assert titles(answer) == ["Last", "Second", "First", "First", "Moved"]
    by_title = {commit["message"]: commit for commit in answer.json()["commits"]}
    assert (by_title["First"]["path"], by_title["First"]["before"]) == ("web/a.py", None)
    assert by_title["Moved"]["before"] == {"commit": by_title["Second"]["commit"], "path": "web/a.py"}
    assert ask(path="web/a.py").status_code == 404


def test_a_rename_into_the_slice_begins_there(world, web, ask):
    world.land(world.root, {"secret/x.py": FIRST}, title="Hidden")
    world.land(world.root, [rename(world, "secret/x.py", "web/x.py", FIRST + b"six\n")], title="Moved in")
    assert titles(ask(path="web/x.py")) == ["Moved in"] * 6
    assert titles(ask(slice="root", path="web/x.py")) == ["Hidden"] * 5 + ["Moved in"]


def test_a_file_that_was_deleted_began_anew(world, web, ask):
    world.land(web, {"web/a.py": None}, title="Gone")
    world.land(web, {"web/a.py": FIRST}, title="Again")
    assert titles(ask()) == ["Again"] * 5


def test_a_mode_is_no_line(world, web, ask):
    content = world.files()["web/a.py"]
    world.land(web, world.edits(world.owner, {"web/a.py": content}, mode="100755"), title="Executable")
    assert titles(ask()) == ["First", "Second", "First", "First", "First"]


def test_what_landed_through_an_unseen_slice_keeps_its_name_to_itself(world, web, ask):
    hidden = world.slice("hidden", "web/**", visibility="private")
    world.land(hidden, {"web/a.py": b"hush\n"}, title="Through another")
    reader = world.user("reader")
    line = ask(user=reader).json()
    assert (line["lines"][0]["changeset"], line["commits"][0]["slice"]) == (None, None)
    assert line["commits"][0]["message"] == "Through another"
    assert ask().json()["lines"][0]["changeset"] == "cl-3"
    assert "cl-3" not in Pages(reader).get("/acme/slices/web/blame/web/a.py")


def test_what_one_may_not_see_is_not_there(world, web, ask):
    world.land(world.root, {"other/x": b"x\n"})
    for path in ("other/x", "web/none", "web"):
        assert ask(path=path).json()["code"] == "path_not_found"
    world.slice("hidden", "other/**", visibility="private")
    assert ask(slice="hidden", path="other/x", user=world.user("reader")).status_code == 404


def test_what_has_no_lines_is_refused(world, web, ask, monkeypatch):
    world.land(web, {"web/bin": b"\0\1", "web/empty": b""})
    world.land(web, world.edits(world.owner, {"web/link": b"a.py"}, mode="120000"))
    assert ask(path="web/bin").json()["code"] == "not_text"
    assert ask(path="web/link").json()["code"] == "not_text"
    assert ask(path="web/empty").json()["lines"] == []
    pages = Pages(world.owner)
    assert "is a binary file" in text_of(pages.get("/acme/slices/web/blame/web/bin"))
    assert "The file is empty" in text_of(pages.get("/acme/slices/web/blame/web/empty"))
    monkeypatch.setattr(blaming, "MAX_FILE_BYTES", 3)
    answer = ask()
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert "lines are told of files of up to 3" in text_of(pages.get("/acme/slices/web/blame/web/a.py"))


def test_a_history_that_is_too_long_is_said_to_be(world, web, ask, monkeypatch):
    monkeypatch.setattr(blaming, "BATCH", 1)
    monkeypatch.setattr(blaming, "MAX_READ_BYTES", 25)
    assert ask().json()["complete"] is False
    assert titles(ask()) == ["Second"] * 5
    assert "too long to be read" in text_of(Pages(world.owner).get("/acme/slices/web/blame/web/a.py"))


def test_it_costs_the_same_in_any_tree(world, web, api, django_assert_max_num_queries):
    for number in range(5):
        world.land(
            web, {"web/a.py": FIRST + b"%d\n" % number} | {f"web/{number}/{n}": b"x" for n in range(20)}
        )
    owner = api()
    with django_assert_max_num_queries(9):
        assert authors(owner.get("slices/acme/web/blame/", path="web/a.py"))


def test_the_page_has_lines_to_link_to(world, web):
    pages = Pages(world.owner)
    assert 'href="/acme/slices/web/blame/web/a.py"' in pages.get("/acme/slices/web/tree/web/a.py")
    html = pages.get("/acme/slices/web/blame/web/a.py")
    assert '<span class="line" id="L2"><a class="line-number" href="#L2">2</a>' in html
    assert html.count('class="run ') == 3
    assert "5 lines · 2 commits · 2 people" in text_of(html)
    first = Commit.objects.get(message="First")
    assert f"/acme/slices/web/blame/web/a.py?commit={first.hex}" in html
    assert html.count('class="run ') > pages.get("/acme/slices/web/blame/web/a.py", commit=first.hex).count(
        'class="run '
    )
