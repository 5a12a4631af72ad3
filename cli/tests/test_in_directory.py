"""Commands that act on the changeset, conflicts and files of the working directory around."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from people import OURS, TEXT, THEIRS, Gs, on_terminal, writer

from slices.models import Slice
from tests.processes import WebServer
from tests.world import World

MARKED = TEXT.replace(b"line 9\n", b"<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs\n")


@pytest.fixture
def ada(world: World, web: Slice, web_server: WebServer, tmp_path: Path) -> Gs:
    """A writer in a directory of `acme/web`, with a changeset of OURS at web/a.txt as cl-2."""
    _, gs = writer(world, web_server, tmp_path, web, "ada")
    gs.run("init", "acme/web", "web")
    gs = gs.at(gs.folder / "web")
    (gs.folder / "web/a.txt").write_bytes(OURS)
    assert gs.json("changeset", "create", "-m", "Nine is ours")["changeset"] == "cl-2"
    return gs


def collide(world: World, web: Slice) -> None:
    world.land(web, {"web/a.txt": THEIRS}, title="Theirs")


def content(gs: Gs) -> bytes:
    return (gs.folder / "web/a.txt").read_bytes()


def test_the_current_changeset_lands_and_the_directory_follows(ada: Gs, world: World, web: Slice) -> None:
    world.land(web, {"shared/s.txt": b"new\n"})
    assert ada.json("changeset", "review")["readiness"] == "ready_for_merge"
    assert ada.json("changeset", "show")["changeset"] == "cl-2"
    landed = ada.json("changeset", "merge", "--update-workdir")
    assert landed["state"] == "merged"
    assert landed["workdir"]["conflicts"] == []
    assert (ada.folder / "shared/s.txt").read_bytes() == b"new\n"
    status = ada.json("status")
    assert (status["changes"], status["changeset"], status["base"]) == ([], None, landed["commit"])
    assert ada.json("changeset", "show", code=20)["error"]["code"] == "changeset_not_found"


def test_what_landed_is_no_local_edit_any_more(ada: Gs, world: World) -> None:
    """Whatever is edited after the changeset was made stays an edit, of what has landed now."""
    more = OURS + b"more\n"
    (ada.folder / "web/a.txt").write_bytes(more)
    (ada.folder / "web/new.txt").write_bytes(b"1\n")
    landed = ada.json("changeset", "merge")
    status = ada.json("status")
    assert (status["base"], status["changeset"]) == (landed["commit"], None)
    assert [(change["path"], change["op"]) for change in status["changes"]] == [
        ("web/a.txt", "modify"),
        ("web/new.txt", "add"),
    ]
    assert ada.json("submit", "-m", "More")["state"] == "merged"
    assert world.files()["web/a.txt"] == more
    (ada.folder / "web/new.txt").write_bytes(b"2\n")
    ada.json("changeset", "create", "-m", "Two")
    ada.json("changeset", "merge")
    assert ada.json("status")["changes"] == []


def test_where_others_landed_in_between_a_pull_brings_both(ada: Gs, world: World, web: Slice) -> None:
    world.land(web, {"shared/s.txt": b"new\n"})
    ada.json("changeset", "merge")
    assert ada.json("pull")["conflicts"] == []
    assert ada.json("status")["changes"] == []


def test_abandoning_forgets_the_current_changeset(ada: Gs) -> None:
    assert ada.json("changeset", "abandon")["state"] == "abandoned"
    assert ada.json("status")["changeset"] is None


def test_names_default_to_the_directory(ada: Gs) -> None:
    assert ada.json("slice", "info")["slice"] == "acme/web"
    assert [item["message"] for item in ada.json("log")["items"]] == ["First files"]
    assert ada.json("show", "HEAD")["files"][0]["path"] == "shared/s.txt"
    below = ada.at(ada.folder / "web")
    assert below.text("browse", "a.txt", "--print").strip().endswith("/web/a.txt")
    assert below.text("browse", "--print").strip().endswith("/acme/slices/web/")


def test_markers_are_written_edited_and_uploaded(ada: Gs, world: World, web: Slice) -> None:
    collide(world, web)
    assert (
        ada.json("conflict", "list")["items"] or ada.json("conflict", "list", "--changeset", "cl-2")["items"]
    )
    assert ada.json("conflict", "resolve", "--resolved", code=31)["error"]["code"] == "unresolvable"
    error = ada.json("changeset", "rebase", "--markers", code=30)["error"]
    assert error["details"]["marked"] == ["web/a.txt"]
    assert content(ada) == MARKED
    assert ada.json("status")["conflicts"] == ["web/a.txt"]
    assert ada.json("conflict", "resolve", "--resolved", code=31)["error"]["code"] == "unresolvable"
    (ada.folder / "web/a.txt").write_bytes(TEXT.replace(b"line 9\n", b"both\n"))
    below = ada.at(ada.folder / "web")
    resolved = below.json("conflict", "resolve", "a.txt", "--resolved")
    assert resolved["resolved"] == [{"path": "web/a.txt", "choice": "manual"}]
    assert ada.json("changeset", "merge", "--update-workdir")["workdir"]["conflicts"] == []
    assert content(ada) == TEXT.replace(b"line 9\n", b"both\n")
    assert ada.json("status")["changes"] == []


@pytest.mark.parametrize(("flag", "expected"), [("--ours", OURS), ("--theirs", THEIRS)])
def test_a_side_is_chosen_and_the_next_pull_has_nothing_to_ask(
    ada: Gs, world: World, web: Slice, flag: str, expected: bytes
) -> None:
    (ada.folder / "web/new.txt").write_bytes(b"new\n")
    ada.run("changeset", "update")
    collide(world, web)
    ada.run("conflict", "resolve", flag)
    landed = ada.json("changeset", "merge", "--update-workdir")
    assert landed["workdir"]["conflicts"] == []
    assert content(ada) == expected
    assert ada.json("status")["changes"] == []


def test_a_decision_is_not_undone_by_the_next_patchset(ada: Gs, world: World, web: Slice) -> None:
    collide(world, web)
    ada.run("conflict", "resolve", "--ours")
    (ada.folder / "web/new.txt").write_bytes(b"new\n")
    for command in (["changeset", "update"], ["submit"]):
        assert ada.json(*command, code=22)["error"]["hint"] == "gs pull, then try again"
    world.land(web, {"shared/s.txt": b"later than the decision\n"})
    assert ada.json("pull")["conflicts"] == []
    assert content(ada) == OURS
    (ada.folder / "web/a.txt").write_bytes(OURS + b"more\n")
    ada.run("changeset", "update")
    assert ada.json("changeset", "merge")["state"] == "merged"
    assert world.files()["web/a.txt"] == OURS + b"more\n"
    assert ada.json("status")["changes"] == []


def test_what_the_editor_made_is_in_the_directory_too(ada: Gs, world: World, web: Slice) -> None:
    collide(world, web)
    script = ada.folder.parent / "editor.py"
    script.write_text("import sys\nopen(sys.argv[1], 'wb').write(b'both\\n')\n")
    ada.environment["EDITOR"] = f"{sys.executable} {script}"
    assert "Resolved 1 conflict" in on_terminal(ada, ["conflict", "resolve"], b"e\n")
    assert content(ada) == b"both\n"
    assert ada.json("changeset", "merge", "--update-workdir")["workdir"]["conflicts"] == []
    assert content(ada) == b"both\n"


def test_edits_made_since_are_kept_when_a_side_is_chosen(ada: Gs, world: World, web: Slice) -> None:
    collide(world, web)
    (ada.folder / "web/a.txt").write_bytes(OURS + b"more\n")
    ada.run("conflict", "resolve", "--theirs")
    assert content(ada) == OURS + b"more\n"


def test_conflicts_of_a_pull_are_settled(ada: Gs, world: World, web: Slice) -> None:
    ada.run("changeset", "abandon")
    collide(world, web)
    assert ada.json("pull", code=32)["conflicts"] == ["web/a.txt"]
    ada.run("conflict", "resolve", "--ours", code=64)
    assert ada.json("conflict", "resolve", "--resolved", code=31)["error"]["code"] == "unresolvable"
    (ada.folder / "web/a.txt").write_bytes(b"both\n")
    assert ada.json("status")["conflicts"] == []
    ada.run("conflict", "resolve", "--resolved", "web/none.txt", code=1)
    settled = ada.json("conflict", "resolve", "--resolved", "web/a.txt")
    assert settled["resolved"] == [{"path": "web/a.txt", "choice": "manual"}]
    ada.run("conflict", "resolve", "--resolved", "web/a.txt", code=20)
    assert ada.json("status")["changes"] == [{"path": "web/a.txt", "op": "modify"}]
