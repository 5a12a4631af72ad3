"""Browsing: large folders, histories through renames, versions and commits side by side."""

from __future__ import annotations

import re

import pytest

from changesets.edits import WantedEdit
from slices.folders import list_folder
from slices.history import head_of
from slices.services import SliceEdit, edit_slice
from slices.views import trees
from tests.pages import Pages, text_of


@pytest.fixture
def web(world):
    slice = world.slice("web", "web/**")
    world.land(
        slice, {"web/a": b"1\n", "web/a-b": b"1\n", "web/b/x": b"1\n", "web/b-c/x": b"1\n", "web/z": b"1\n"}
    )
    return world.fresh(slice)


def rename(world, slice, old, new):
    mode_and_digest = world.edits(world.owner, {new: world.files()[old]})[0]
    edit = WantedEdit("rename", new, mode_and_digest.mode, mode_and_digest.digest, old)
    return world.land(slice, [edit], title=f"Move to {new}")


def test_a_large_folder_comes_in_pages(world, web, monkeypatch):
    monkeypatch.setattr(trees, "MOST_CHILDREN", 2)
    pages, seen, address = Pages(world.owner), [], "/acme/slices/web/tree/web"
    while address:
        html = pages.get(address)
        seen.append(re.findall(r'class="name" href="[^"]*/tree/web/([^"]*)"', html))
        more = re.search(r'href="(\?[^"]*cursor=[^"]*)">More in this folder', html)
        address = more and "/acme/slices/web/tree/web" + more.group(1)
    assert seen == [["a", "a-b"], ["b-c", "b"], ["z"]] or seen == [["a", "a-b"], ["b", "b-c"], ["z"]]
    head = head_of(web)
    assert [child.name for child in list_folder(web, head, "web")] == ["b", "b-c", "a", "a-b", "z"]
    assert [child.name for child in list_folder(web, head, "web", after="a", limit=2)] == ["b-c", "a-b"]


def test_the_pages_of_a_folder_cost_no_more_with_more_entries(
    world, web, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr(trees, "MOST_CHILDREN", 3)
    world.land(web, {f"web/many/{number}": b"1\n" for number in range(30)})
    pages = Pages(world.owner)
    with django_assert_max_num_queries(28):
        pages.get("/acme/slices/web/tree/web/many")


def test_a_history_follows_renames(world, web):
    rename(world, web, "web/a", "web/moved")
    world.land(web, {"web/a": b"another\n"}, title="Another file")
    rename(world, web, "web/moved", "web/again")
    html = Pages(world.owner).get("/acme/slices/web/history/web/again")
    text = text_of(html)
    assert "Move to web/again" in text
    assert "then at web/moved" in text
    assert "then at web/a" in text
    assert "Another file" not in text
    assert "/acme/slices/web/tree/web/moved?commit=" in html


def test_a_history_does_not_leave_the_slice(world, web):
    world.land(world.root, {"secret/file": b"1\n"}, title="Secret work")
    rename(world, world.root, "secret/file", "web/file")
    world.organization.slices.filter(name="root").update(visibility="private")
    text = text_of(Pages(world.user("member")).get("/acme/slices/web/history/web/file"))
    assert "Move to web/file" in text
    assert "secret/file" not in text
    assert "Secret work" not in text


def test_two_commits_have_an_address(world, web):
    first = head_of(web).hex
    second = world.land(web, {"web/a": b"2\n"}, title="Two").hex
    pages = Pages(world.owner)
    answer = pages.client.get("/acme/slices/web/compare/", {"from": first[:10], "to": "HEAD"})
    assert (answer.status_code, answer["Location"]) == (302, f"/acme/slices/web/compare/{first[:10]}...HEAD/")
    text = text_of(pages.get(answer["Location"]))
    assert "1 file changed +1 \u22121" in text
    assert f'value="{second[:10]}" label="Two' in pages.get("/acme/slices/web/compare/")
    assert "Nothing differs" in pages.get(f"/acme/slices/web/compare/{second}...HEAD/")
    assert pages.status("/acme/slices/web/compare/HEAD/") == 400
    assert pages.status("/acme/slices/web/compare/...HEAD/") == 400
    assert pages.status("/acme/slices/web/compare/ffffffffff...HEAD/") == 404


def test_two_versions_of_a_definition_side_by_side(world, web):
    for includes in (["web/**", "docs/**"], ["docs/**"]):
        web = world.fresh(web)
        edit_slice(actor=world.owner, slice=web, edit=SliceEdit(includes=includes))
    pages = Pages(world.owner)
    text = text_of(pages.get("/acme/slices/web/definition/", **{"from": "1", "to": "3"}))
    assert "Compare + docs/** \u2212 web/** Versions" in text
    assert text.count("chained to") == 2
    assert "Both cover the same" in pages.get("/acme/slices/web/definition/", **{"from": "2", "to": "2"})
    assert pages.status("/acme/slices/web/definition/", **{"from": "9", "to": "x"}) == 200
