"""Editing, adding, moving, deleting and uploading files in the browser, without JavaScript."""

from __future__ import annotations

import html
import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from changesets.models import Changeset
from changesets.plans import load_edits
from gitslice.objects.services import read_blobs
from tests.api import Api, code_of
from tests.pages import Pages, text_of
from tests.world import World

pytestmark = pytest.mark.django_db
AT = "/acme/slices/web/"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def web(world):
    slice = world.slice("web", "web/**")
    world.land(
        slice, {"web/a.txt": b"one\r\ntwo\r\nthree", "web/b/c.bin": b"\0\1", "web/latin.txt": b"caf\xe9\n"}
    )
    return slice


def fields_of(page: str) -> dict[str, object]:
    """What the last form of a page sends if nothing is typed."""
    form = page.rpartition("<form")[2].partition("</form>")[0]
    found: dict[str, object] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = (re.search(rf'\b{part}="([^"]*)"', tag) for part in ("name", "value"))
        boxed = 'type="checkbox"' in tag and "checked" not in tag
        if name and not boxed and 'type="file"' not in tag:
            found.setdefault(name[1], [])
            found[name[1]].append(html.unescape(value[1] if value else ""))
    for name, text in re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\n?(.*?)</textarea>', form, re.S):
        found[name] = [html.unescape(text).replace("\r\n", "\n").replace("\n", "\r\n")]
    return found


def opened(pages: Pages, path: str, /, **query: str) -> dict[str, object]:
    return fields_of(pages.get(AT + path, **query))


def propose(pages: Pages, page: str, /, **fields: object) -> Changeset:
    """Propose what a preview shows."""
    pages.post(f"{AT}propose/", **fields_of(page) | fields)
    return Changeset.objects.select_related("patchset", "slice", "author").latest("updated_at")


def contents(world: World, changeset: Changeset) -> dict[str, bytes | None]:
    edits = load_edits(changeset.current)
    found = read_blobs(world.organization.pk, {edit.new.digest for edit in edits if edit.new})
    return {edit.path: found[edit.new.digest] if edit.new else None for edit in edits}


def test_a_file_is_edited_and_proposed_with_its_line_ends(world, web):
    pages = Pages(world.owner)
    page = pages.get(f"{AT}tree/web/a.txt")
    assert f"{AT}edit/web/a.txt" in page
    fields = opened(pages, "edit/web/a.txt")
    assert fields["text"] == ["one\r\ntwo\r\nthree"]
    shown = pages.post(f"{AT}edit/web/a.txt", **fields | {"text": "one\r\nTWO\r\nthree"})
    assert "1 file changed +1" in text_of(shown)
    changeset = propose(pages, shown, title="Shout", message="Because.")
    assert (changeset.title, changeset.description, changeset.current.number) == ("Shout", "Because.", 1)
    assert contents(world, changeset) == {"web/a.txt": b"one\r\nTWO\r\nthree"}


def test_the_base_is_what_was_shown(world, web):
    pages = Pages(world.owner)
    fields = opened(pages, "edit/web/a.txt")
    world.land(web, {"web/a.txt": b"one\r\nother\r\nthree"})
    shown = pages.post(f"{AT}edit/web/a.txt", **fields | {"text": "one\r\nTWO\r\nthree"})
    changeset = propose(pages, shown)
    [edit] = load_edits(changeset.current)
    assert read_blobs(world.organization.pk, {edit.base.digest})[edit.base.digest] == b"one\r\ntwo\r\nthree"
    assert "1 file in conflict" in text_of(pages.get(f"/acme/changesets/{changeset.number}/"))


def test_nothing_changed_is_said_and_what_was_typed_stays(world, web):
    pages = Pages(world.owner)
    fields = opened(pages, "edit/web/a.txt")
    answer = pages.client.post(f"{AT}edit/web/a.txt", fields)
    assert answer.status_code == 400
    assert "does not differ from the base" in answer.content.decode()
    assert fields_of(answer.content.decode())["text"] == fields["text"]


def test_going_on_editing_has_what_was_typed(world, web):
    pages = Pages(world.owner)
    shown = pages.post(f"{AT}edit/web/a.txt", **opened(pages, "edit/web/a.txt") | {"text": "new"})
    again = pages.post(f"{AT}edit/web/a.txt", **fields_of(shown) | {"again": "1"})
    assert fields_of(again)["text"] == ["new"]
    shown = pages.post(f"{AT}add/", **opened(pages, "add/") | {"path": "web/new", "text": "x"})
    again = fields_of(pages.post(f"{AT}add/", **fields_of(shown) | {"again": "1"}))
    assert (again["path"], again["text"]) == (["web/new"], ["x"])


def test_it_goes_into_an_open_changeset_of_mine(world, web):
    mine = world.propose(web, {"web/new": b"new\n"}, title="Mine")
    pages = Pages(world.owner)
    shown = pages.post(f"{AT}edit/web/a.txt", **opened(pages, "edit/web/a.txt") | {"text": "x"})
    assert f"{mine} Mine" in shown
    changeset = propose(pages, shown, into=str(mine.number), title="More")
    assert (changeset.pk, changeset.current.number, changeset.current.message) == (mine.pk, 2, "More")
    assert contents(world, changeset) == {"web/a.txt": b"x", "web/new": b"new\n"}
    shown = pages.post(f"{AT}edit/web/a.txt", **opened(pages, "edit/web/a.txt") | {"text": "y"})
    fields = fields_of(shown) | {"into": str(mine.number)}
    answer = pages.client.post(f"{AT}propose/", fields)
    assert answer.status_code == 400
    assert f"{mine} changes web/a.txt already" in answer.content.decode()


def test_the_files_of_a_changeset_are_edited_further(world, web):
    mine = world.propose(web, {"web/a.txt": b"mine\n"}, title="Mine")
    pages = Pages(world.owner)
    number = str(mine.number)
    assert f"/acme/changesets/{number}/edit/" in pages.get(f"/acme/changesets/{number}/")
    assert f"{AT}edit/web/a.txt?changeset={number}" in pages.get(f"/acme/changesets/{number}/edit/")
    fields = opened(pages, "edit/web/a.txt", changeset=number)
    assert fields["text"] == ["mine\r\n"]
    shown = pages.post(f"{AT}edit/web/a.txt", **fields | {"text": "mine\r\ntoo\r\n"})
    changeset = propose(pages, shown, title="Too")
    assert contents(world, changeset) == {"web/a.txt": b"mine\ntoo\n"}
    assert changeset.current.number == 2
    late = pages.client.post(f"{AT}edit/web/a.txt", fields | {"text": "late"})
    assert late.status_code == 409
    fields = opened(pages, "move/web/a.txt", changeset=number)
    changeset = propose(
        pages, pages.post(f"{AT}move/web/a.txt", **fields | {"to": "web/moved.txt"}), title="Move"
    )
    assert contents(world, changeset) == {"web/a.txt": None, "web/moved.txt": b"mine\ntoo\n"}


def test_files_are_added_moved_and_deleted(world, web):
    pages = Pages(world.owner)
    fields = opened(pages, "add/", folder="web/b")
    assert fields["path"] == ["web/b/"]
    added = fields | {"path": "web/b/run.sh", "text": "#!/bin/sh\r\n", "executable": "1"}
    changeset = propose(pages, pages.post(f"{AT}add/", **added))
    [edit] = load_edits(changeset.current)
    assert (edit.op, edit.new.mode, changeset.title) == ("add", "100755", "Add run.sh")
    shown = pages.post(f"{AT}move/web/a.txt", **opened(pages, "move/web/a.txt") | {"to": "web/z.txt"})
    assert "Renamed, with the same content" in shown
    assert {edit.op for edit in load_edits(propose(pages, shown).current)} == {"delete", "rename"}
    changeset = propose(pages, pages.get(f"{AT}delete/web/a.txt"))
    assert contents(world, changeset) == {"web/a.txt": None}


def test_what_is_no_text_keeps_its_content_and_gets_its_mode(world, web):
    pages = Pages(world.owner)
    assert "not UTF-8" in pages.get(f"{AT}edit/web/latin.txt")
    fields = opened(pages, "edit/web/b/c.bin")
    assert "text" not in fields
    shown = pages.post(f"{AT}edit/web/b/c.bin", **fields | {"executable": "1"})
    assert "mode changed from 100644 to 100755" in shown
    [edit] = load_edits(propose(pages, shown).current)
    assert (edit.op, edit.base.digest) == ("chmod", edit.new.digest)


def test_files_are_uploaded(world, web, settings):
    pages = Pages(world.owner)
    big = bytes(5 << 20)
    files = [SimpleUploadedFile("c.bin", b"\0\2"), SimpleUploadedFile("big.bin", big)]
    shown = pages.post(f"{AT}upload/", **opened(pages, "upload/", folder="web/b") | {"files": files})
    changeset = propose(pages, shown)
    assert changeset.title == "Upload 2 files"
    assert contents(world, changeset) == {"web/b/c.bin": b"\0\2", "web/b/big.bin": big}
    assert {edit.op for edit in load_edits(changeset.current)} == {"modify", "add"}
    settings.GITSLICE_MAX_BLOB_BYTES = 10
    fields = opened(pages, "upload/") | {"folder": "web", "files": SimpleUploadedFile("x", b"x" * 11)}
    assert pages.client.post(f"{AT}upload/", fields).status_code == 413


@pytest.mark.parametrize(
    ("path", "why"),
    [("other/x", "outside acme/web"), ("web/../x", "web/../x"), ("web/a.txt", "stands in the base already")],
)
def test_paths_that_cannot_be_are_refused_and_stay_typed(world, web, path, why):
    pages = Pages(world.owner)
    answer = pages.client.post(f"{AT}add/", opened(pages, "add/") | {"path": path, "text": "kept"})
    assert answer.status_code in (400, 403)
    assert why in html.unescape(answer.content.decode())
    assert fields_of(answer.content.decode())["text"] == ["kept"]


def test_who_may_only_read_is_shown_no_buttons_and_refused(world, web):
    reader = Pages(world.user("reader"))
    for page in (f"{AT}tree/web/a.txt", AT):
        assert not re.search(r"/(edit|add|upload|move|delete)/", reader.get(page))
    for path in ("edit/web/a.txt", "add/", "upload/", "move/web/a.txt", "delete/web/a.txt"):
        assert reader.status(AT + path) == 403
    assert f"{AT}edit/" not in Pages(world.owner).get(f"{AT}tree/web/a.txt", commit="HEAD")


def test_a_body_is_not_read_for_who_may_not_write_nor_without_the_token(world, web):
    def unread(*_: object) -> bytes:
        raise AssertionError("the body was read")

    reader = Client(enforce_csrf_checks=True)
    reader.force_login(world.user("reader"))
    body = {"CONTENT_LENGTH": "1000", "CONTENT_TYPE": "multipart/form-data; boundary=x"}
    stream = type("Unread", (), {"read": unread, "readline": unread})()
    assert reader.post(f"{AT}upload/", **body, **{"wsgi.input": stream}).status_code == 403
    owner = Client(enforce_csrf_checks=True)
    owner.force_login(world.owner)
    assert owner.post(f"{AT}upload/", {"folder": "web"}).status_code == 403


def test_a_digest_of_somebody_else_is_no_permission(world, web):
    writer = world.writer(web, "writer")
    secret = world.slice("secret", "secret/**", visibility="private")
    [edit] = world.edits(world.owner, {"secret/x": b"unseen text"})
    world.land(secret, [edit])
    pages = Pages(writer)
    body = json.dumps({"op": "add", "path": "web/x", "mode": "100644", "digest": edit.digest.hex()})
    fields = opened(pages, "add/") | {"edit": body, "title": "x"}
    answer = pages.client.post(f"{AT}propose/", fields)
    assert answer.status_code == 404 or answer.status_code == 400
    assert b"unseen text" not in answer.content
    assert not Changeset.objects.filter(title="x").exists()


def test_the_api_adds_edits_to_a_patchset(world, web):
    mine = world.propose(web, {"web/new": b"new\n"})
    api = Api(world.token(world.owner))
    at = f"changesets/acme/{mine.number}/patchsets/"
    body = {"amend": True, "edits": [{"op": "delete", "path": "web/a.txt"}]}
    answer = api.post(at, body | {"expected_patchset": 1})
    assert (answer.status_code, answer.json()["file_count"]) == (201, 2)
    assert code_of(api.post(at, body | {"expected_patchset": 1})) == (409, "stale_patchset")
    head = web.head_id and api.get("slices/acme/web/").json()["head"]
    assert code_of(api.post(at, body | {"base": head})) == (400, "invalid_request")
    undone = {"amend": True, "edits": [{"op": "delete", "path": "web/new"}]}
    assert api.post(at, undone).json()["file_count"] == 1


def test_a_form_costs_the_same_in_a_large_changeset(world, web):
    def queries(count: int) -> int:
        mine = world.propose(web, {f"web/n{number}": b"%d\n" % number for number in range(count)})
        pages = Pages(world.owner)
        with CaptureQueriesContext(connection) as context:
            pages.get(f"{AT}edit/web/a.txt", changeset=str(mine))
        return len(context)

    few = queries(1)
    assert queries(40) <= few <= 16


def test_pages_cost_the_same_for_many_files(world, web):
    def queries(paths: list[str]) -> int:
        pages = Pages(world.owner)
        fields = opened(pages, "upload/") | {"folder": "web/up"}
        files = [SimpleUploadedFile(path, path.encode()) for path in paths]
        with CaptureQueriesContext(connection) as context:
            pages.post(f"{AT}upload/", **fields | {"files": files})
        return len(context)

    few = queries(["a"])
    assert queries([f"f{number}" for number in range(30)]) <= few <= 40


def test_an_uploaded_file_takes_the_place_of_a_link_and_does_not_become_one(world, web):
    world.land(web, world.edits(world.owner, {"web/link": b"a.txt"}, mode="120000"))
    pages = Pages(world.owner)
    files = [SimpleUploadedFile("link", b"many\nlines\n")]
    shown = pages.post(f"{AT}upload/", **opened(pages, "upload/", folder="web") | {"files": files})
    [edit] = load_edits(propose(pages, shown).current)
    assert edit.new.mode == "100644"
