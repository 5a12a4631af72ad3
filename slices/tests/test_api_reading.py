"""The API of what stands in a slice and what happened to it: manifest, objects, tree, file, commits, diffs."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta

import pytest

from changesets.edits import WantedEdit
from gitslice_core.packs import Blob, PackReader
from slices.models import Commit
from slices.services import SliceEdit, edit_slice


def code(response, status):
    assert response.status_code == status, response.getvalue()
    return response.json()["code"]


def lines(response) -> list[str]:
    assert response.status_code == 200, response.getvalue()
    return response.getvalue().decode().splitlines()


def line(path: str, content: bytes, mode: str = "100644") -> str:
    return f"{mode} {hashlib.sha256(content).hexdigest()} {len(content)} {path}"


def unpacked(response) -> set[bytes]:
    assert response.status_code == 200, response.getvalue()
    assert response["Content-Type"] == "application/x-gitslice-pack"
    reader = PackReader(io.BytesIO(response.getvalue()))
    return {reader.content(record) for record in reader if isinstance(record, Blob)}


@pytest.fixture
def team(world):
    """acme/team covers team/** with two commits of its own and one that landed through root."""
    team = world.slice("team", "team/**", excludes=["team/secret/**"])
    world.land(team, {"team/a.txt": b"one\ntwo\n", "team/b/c.txt": b"c\n"}, title="First")
    world.land(
        world.root,
        {"team/b/d.txt": b"d\n", "team/secret/x": b"hush", "other/y": b"y\n"},
        title="Through root",
    )
    world.land(team, {"team/a.txt": b"one\n2\n", "team/b/c.txt": None}, title="Third")
    return world.fresh(team)


@pytest.fixture
def commits(team):
    return list(Commit.objects.order_by("seq"))


def test_a_manifest_at_the_head(team, commits, api):
    response = api().get("slices/acme/team/manifest/")
    assert response["Content-Type"] == "text/x-gitslice-manifest; charset=utf-8"
    assert response["X-GitSlice-Commit"] == str(commits[2])
    assert response["X-GitSlice-Definition"] == bytes(team.definition.digest).hex()
    assert "X-GitSlice-Since" not in response
    assert lines(response) == [line("team/a.txt", b"one\n2\n"), line("team/b/d.txt", b"d\n")]


def test_a_manifest_of_an_older_commit(team, commits, api):
    response = api().get("slices/acme/team/manifest/", commit=str(commits[0])[:8])
    assert response["X-GitSlice-Commit"] == str(commits[0])
    assert lines(response) == [line("team/a.txt", b"one\ntwo\n"), line("team/b/c.txt", b"c\n")]


def test_a_manifest_that_the_client_has_is_not_sent(team, commits, api, world):
    caller = api()
    response = caller.get("slices/acme/team/manifest/")
    again = caller.get("slices/acme/team/manifest/", {"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again["X-GitSlice-Commit"] == str(commits[2])
    edit_slice(actor=world.owner, slice=team, edit=SliceEdit(add=["other/**"]))
    changed = caller.get("slices/acme/team/manifest/", {"If-None-Match": response["ETag"]})
    assert len(lines(changed)) == 3


def test_a_delta(team, commits, api):
    caller = api()
    response = caller.get("slices/acme/team/manifest/", since=str(commits[0]))
    assert response["X-GitSlice-Since"] == str(commits[0])
    assert lines(response) == [
        line("team/a.txt", b"one\n2\n"),
        "D - - team/b/c.txt",
        line("team/b/d.txt", b"d\n"),
    ]
    assert response["ETag"] != caller.get("slices/acme/team/manifest/")["ETag"]
    unknown = caller.get("slices/acme/team/manifest/", since="ab" * 32)
    assert "X-GitSlice-Since" not in unknown
    assert len(lines(unknown)) == 2
    same = caller.get("slices/acme/team/manifest/", since=str(commits[2]))
    assert (same["X-GitSlice-Since"], lines(same)) == (str(commits[2]), [])


def test_an_empty_slice(world, api):
    world.slice("empty", "nothing/**")
    response = api().get("slices/acme/empty/manifest/")
    assert (response["X-GitSlice-Commit"], lines(response)) == ("none", [])
    assert api().get("slices/acme/empty/tree/").json()["items"] == []
    assert api().get("slices/acme/empty/commits/").json()["items"] == []
    assert unpacked(api().post("slices/acme/empty/objects/", {"all": True})) == set()
    assert code(api().get("slices/acme/empty/commits/HEAD/"), 404) == "commit_not_found"
    assert code(api().get("slices/acme/empty/file/", path="nothing/x"), 404) == "path_not_found"


def test_root_shows_everything(team, commits, api):
    response = api().get("slices/acme/root/manifest/")
    assert response["X-GitSlice-Commit"] == str(commits[2])
    assert [text.split(" ", 3)[3] for text in lines(response)] == [
        "other/y",
        "team/a.txt",
        "team/b/d.txt",
        "team/secret/x",
    ]
    assert len(api().get("slices/acme/root/commits/").json()["items"]) == 3


def test_paths_need_no_quoting(world, api):
    names = ['q"uote', "com,ma", "back\\slash", "spa ce", "\\.", "é\u2028ü", "'"]
    slice = world.slice("odd", "odd/**")
    world.land(slice, {f"odd/{name}": b"x" for name in names})
    expected = sorted((f"odd/{name}" for name in names), key=str.encode)
    found = api().get("slices/acme/odd/manifest/").getvalue().decode().removesuffix("\n").split("\n")
    assert [text.split(" ", 3)[3] for text in found] == expected
    for name in names:
        assert api().get("slices/acme/odd/file/", path=f"odd/{name}").getvalue() == b"x"


def test_objects_of_the_whole_slice(team, commits, api):
    assert unpacked(api().post("slices/acme/team/objects/", {"all": True})) == {b"one\n2\n", b"d\n"}
    older = {"commit": str(commits[0]), "all": True}
    assert unpacked(api().post("slices/acme/team/objects/", older)) == {b"one\ntwo\n", b"c\n"}


def test_objects_of_some_paths(team, commits, api):
    wanted = {"commit": str(commits[2]), "paths": ["team/a.txt"]}
    assert unpacked(api().post("slices/acme/team/objects/", wanted)) == {b"one\n2\n"}
    assert unpacked(api().post("slices/acme/team/objects/", {"paths": []})) == set()


@pytest.mark.parametrize(
    "path", ["team/secret/x", "other/y", "team/b/c.txt", "team/none", "team/b", "", "a\u0000b"]
)
def test_objects_outside_the_slice_at_the_commit_do_not_exist(team, api, path):
    response = api().post("slices/acme/team/objects/", {"commit": "HEAD", "paths": ["team/a.txt", path]})
    assert code(response, 404) == "path_not_found"
    assert response.json()["details"]["paths"] == [path]


@pytest.mark.parametrize(
    "body", [{}, [], {"paths": "x"}, {"paths": [1]}, {"all": False}, {"commit": 7, "all": True}]
)
def test_a_bad_wish_for_objects_is_refused(team, api, body):
    assert code(api().post("slices/acme/team/objects/", body), 400) == "invalid_request"


def test_a_folder(team, commits, api):
    body = api().get("slices/acme/team/tree/", path="team").json()
    entry = {"mode": "100644", "digest": hashlib.sha256(b"one\n2\n").hexdigest(), "size": 6}
    folder = {"name": "b", "kind": "folder", "mode": None, "digest": None, "size": None}
    assert body == {
        "slice": "acme/team",
        "commit": str(commits[2]),
        "path": "team",
        "items": [folder, {"name": "a.txt", "kind": "file"} | entry],
    }
    assert [i["name"] for i in api().get("slices/acme/team/tree/").json()["items"]] == ["team"]
    older = api().get("slices/acme/team/tree/", path="team/b/", commit=str(commits[0])).json()
    assert [item["name"] for item in older["items"]] == ["c.txt"]
    for path in ("team/secret", "other", "team/a.txt", "team/none"):
        assert code(api().get("slices/acme/team/tree/", path=path), 404) == "path_not_found"
    assert code(api().get("slices/acme/team/tree/", path="../x"), 400) == "invalid_path"


def test_a_file(team, commits, api):
    caller = api()
    response = caller.get("slices/acme/team/file/", path="team/a.txt")
    assert response.getvalue() == b"one\n2\n"
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Length"] == "6"
    assert response["Cache-Control"] == "private, no-cache"
    digest = hashlib.sha256(b"one\n2\n").hexdigest()
    assert response["ETag"] == f'"{digest}"'
    older = caller.get("slices/acme/team/file/", path="team/a.txt", commit=str(commits[0]))
    assert older.getvalue() == b"one\ntwo\n"
    assert older["Cache-Control"] == "private, max-age=31536000, immutable"
    same = caller.get("slices/acme/team/file/", {"If-None-Match": response["ETag"]}, path="team/a.txt")
    assert (same.status_code, same.getvalue()) == (304, b"")
    for path in ("team/secret/x", "other/y", "team/b/c.txt", "team/b"):
        assert code(caller.get("slices/acme/team/file/", path=path), 404) == "path_not_found"
    assert code(caller.get("slices/acme/team/file/"), 400) == "invalid_path"


def test_the_log(team, commits, api, world):
    items = api().get("slices/acme/team/commits/").json()["items"]
    assert [item["message"] for item in items] == ["Third", "Through root", "First"]
    assert items[0] == {
        "commit": str(commits[2]),
        "parent": str(commits[1]),
        "author": "acme-owner",
        "time": commits[2].landed_at.isoformat(),
        "message": "Third",
        "slice": "acme/team",
        "changeset": "cl-3",
        "files": 2,
        "merged_paths": [],
    }
    page = api().get("slices/acme/team/commits/", limit=2).json()
    rest = api().get("slices/acme/team/commits/", limit=2, cursor=page["next_cursor"]).json()
    assert [item["message"] for item in page["items"] + rest["items"]] == ["Third", "Through root", "First"]
    assert rest["next_cursor"] is None


def test_a_log_does_not_name_slices_that_one_may_not_see(team, api, world):
    items = api(world.user("member")).get("slices/acme/team/commits/").json()["items"]
    assert [(item["slice"], item["changeset"]) for item in items] == [
        ("acme/team", "cl-3"),
        (None, None),
        ("acme/team", "cl-1"),
    ]


def test_the_log_is_filtered(team, commits, api, world):
    def messages(**query):
        return [item["message"] for item in api().get("slices/acme/team/commits/", **query).json()["items"]]

    second = commits[1].landed_at
    assert messages(grep="THROUGH") == ["Through root"]
    assert messages(grep="%") == []
    assert messages(author="acme-owner", path="team/a.txt") == ["Third", "First"]
    assert messages(author="nobody") == []
    assert messages(path="team/b") == ["Third", "Through root", "First"]
    assert messages(path="team/b/d.txt") == ["Through root"]
    assert messages(path="team/secret") == messages(path="other") == []
    assert messages(since=second.isoformat()) == ["Third", "Through root"]
    assert messages(until=second.isoformat()) == ["Through root", "First"]
    assert messages(until=(second - timedelta(days=1)).date().isoformat()) == []
    assert code(api().get("slices/acme/team/commits/", since="yesterday-ish"), 400) == "invalid_request"
    assert code(api().get("slices/acme/team/commits/", since="2026-99-99"), 400) == "invalid_request"


def test_a_commit_shows_the_paths_of_the_slice_only(team, commits, api, world):
    detail = api().get(f"slices/acme/team/commits/{commits[1]}/").json()
    assert [file["path"] for file in detail["files"]] == ["team/b/d.txt"]
    assert (detail["file_count"], detail["hidden_files"]) == (1, 2)
    third = api().get("slices/acme/team/commits/HEAD/").json()
    old = {"mode": "100644", "digest": hashlib.sha256(b"c\n").hexdigest(), "size": 2}
    deleted = {"path": "team/b/c.txt", "op": "delete", "old": old, "new": None, "renamed_from": None}
    assert third["files"][1] == deleted
    assert third["files"][0]["old"]["size"] == len(b"one\ntwo\n")
    response = api().get("slices/acme/team/commits/HEAD/")
    cached = api().get("slices/acme/team/commits/HEAD/", {"If-None-Match": response["ETag"]})
    assert cached.status_code == 304


@pytest.mark.parametrize("name", ["abcdef12", "xyz", "12345", "HEAD~1", "0" * 65])
def test_unknown_commits(team, api, name):
    assert code(api().get(f"slices/acme/team/commits/{name}/"), 404) == "commit_not_found"
    assert code(api().get("slices/acme/team/manifest/", commit=name), 404) == "commit_not_found"


def test_a_commit_of_another_slice_is_not_in_the_log(team, api, world):
    world.slice("other", "other/**")
    commit = world.land(world.root, {"other/z": b"1"})
    assert code(api().get(f"slices/acme/team/commits/{commit}/"), 404) == "commit_not_found"
    assert api().get(f"slices/acme/other/commits/{commit}/").status_code == 200


def test_a_slice_stands_at_the_commits_of_others_too(team, api, world):
    world.slice("other", "other/**")
    before = api().get("slices/acme/team/manifest/")
    stood = lines(before)
    commit = world.land(world.root, {"other/z": b"1"})
    world.land(world.root, {"team/late.txt": b"2"})
    then = api().get("slices/acme/team/manifest/", commit=str(commit)[:12])
    assert then["X-GitSlice-Commit"] == before["X-GitSlice-Commit"]
    assert lines(then) == stood


def test_unless_one_may_not_see_them(team, api, world):
    world.slice("secret", "secret/**", visibility="private")
    commit = world.land(world.root, {"secret/z": b"1"})
    assert (
        code(api(world.user("member")).get("slices/acme/team/manifest/", commit=str(commit)), 404)
        == "commit_not_found"
    )


def test_a_prefix_of_two_commits_is_ambiguous(team, commits, api):
    for number, commit in enumerate(commits[:2]):
        Commit.objects.filter(pk=commit.pk).update(digest=bytes.fromhex("abcdef") + bytes([number]) * 29)
    assert code(api().get("slices/acme/team/commits/abcdef/"), 400) == "invalid_request"
    assert api().get("slices/acme/team/commits/ABCDEF01/").status_code == 200


def test_the_diff_of_a_commit(team, commits, api):
    diff = api().get("slices/acme/team/commits/HEAD/diff/").json()
    assert diff["commit"] == str(commits[2])
    changed, deleted = diff["files"]
    assert (changed["path"], changed["op"], changed["additions"], changed["deletions"]) == (
        "team/a.txt",
        "modify",
        1,
        1,
    )
    assert changed["hunks"] == [
        {"old_start": 1, "old_count": 2, "new_start": 1, "new_count": 2, "lines": [" one", "-two", "+2"]}
    ]
    assert (deleted["op"], deleted["deletions"], deleted["hunks"][0]["lines"]) == ("delete", 1, ["-c"])
    stat = api().get("slices/acme/team/commits/HEAD/diff/", stat=1).json()["files"]
    assert [(file["additions"], file["deletions"], file["hunks"]) for file in stat] == [
        (1, 1, []),
        (0, 1, []),
    ]


def test_the_diff_between_two_commits(team, commits, api):
    first, third = str(commits[0]), str(commits[2])
    diff = api().get("slices/acme/team/diff/", **{"from": first[:10], "to": third}).json()
    assert (diff["from"], diff["to"]) == (first, third)
    assert [(file["path"], file["op"]) for file in diff["files"]] == [
        ("team/a.txt", "modify"),
        ("team/b/c.txt", "delete"),
        ("team/b/d.txt", "add"),
    ]
    back = api().get("slices/acme/team/diff/", **{"from": "HEAD", "to": first, "path": "team/b"}).json()
    assert [(file["path"], file["op"]) for file in back["files"]] == [
        ("team/b/c.txt", "add"),
        ("team/b/d.txt", "delete"),
    ]
    assert code(api().get("slices/acme/team/diff/"), 400) == "invalid_request"


def test_renames(world, api):
    slice = world.slice("s", "in/**")
    base = world.land(slice, {"in/old": b"1\n2\n3\n", "in/gone": b"same\n"})
    edits = world.edits(world.owner, {"in/new": b"1\n2\n3\n4\n", "out/x": b"same\n"})
    renames = [
        WantedEdit("rename", "in/new", "100644", edits[0].digest, "in/old"),
        WantedEdit("rename", "out/x", None, None, "in/gone"),
    ]
    world.land(world.root, renames)
    [deleted, renamed] = api().get("slices/acme/s/commits/HEAD/diff/").json()["files"]
    assert (deleted["path"], deleted["op"]) == ("in/gone", "delete")
    assert (renamed["path"], renamed["op"], renamed["renamed_from"]) == ("in/new", "rename", "in/old")
    assert (renamed["additions"], renamed["deletions"]) == (1, 0)
    outside = world.slice("o", "out/**")
    [arrived] = api().get("slices/acme/o/commits/HEAD/").json()["files"]
    assert (arrived["op"], arrived["renamed_from"]) == ("add", None)
    assert outside.head is not None
    between = api().get("slices/acme/root/diff/", **{"from": str(base)}).json()["files"]
    assert ("out/x", "rename", "in/gone") in [(f["path"], f["op"], f["renamed_from"]) for f in between]


def test_binary_and_large_files_have_no_hunks(world, api):
    slice = world.slice("s", "**")
    world.land(
        slice, {"binary": b"\0\1\2", "large": b"x\n" * (2 << 20), "latin": b"caf\xe9\n", "plain": b"a"}
    )
    files = {file["path"]: file for file in api().get("slices/acme/s/commits/HEAD/diff/").json()["files"]}
    assert (files["binary"]["binary"], files["binary"]["hunks"]) == (True, [])
    assert (files["large"]["too_large"], files["large"]["hunks"]) == (True, [])
    assert files["latin"]["hunks"][0]["lines"] == ["+caf\ufffd"]
    assert files["plain"]["hunks"][0]["lines"] == ["+a", "\\ No newline at end of file"]
