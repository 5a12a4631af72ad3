"""The real `gs` against a real server: what each command does and prints, away from a working directory."""

from __future__ import annotations

import sys
from pathlib import Path

from people import OURS, TEXT, THEIRS, Gs, conflicting, on_terminal, writer

from slices.models import Slice
from tests.processes import WebServer
from tests.world import World


def test_signing_in_and_out(world: World, web_server: WebServer, tmp_path: Path) -> None:
    gs = Gs(web_server, tmp_path / "new", None)
    del gs.environment["GITSLICE_API_ENDPOINT"]
    secret = world.token(world.owner)
    assert gs.json("auth", "login", "--endpoint", web_server.url, "--token", "-", stdin="gst_wrong\n", code=3)
    assert not (gs.folder / "config" / "credentials.toml").exists()
    signed = gs.json("auth", "login", "--endpoint", web_server.url, "--token", "-", stdin=secret + "\n")
    assert (signed["user"], signed["endpoint"]) == ("acme-owner", web_server.url)
    status = gs.json("auth", "status")
    assert (status["signed_in"], status["user"], status["orgs"]) == (True, "acme-owner", ["acme"])
    assert gs.text("auth", "token").strip() == secret
    assert "acme (owner)" in gs.text("auth", "status")
    assert gs.json("auth", "logout")["forgotten"]
    assert gs.json("auth", "status")["signed_in"] is False
    gs.run("slice", "list", code=3)


def test_tokens_are_made_listed_and_revoked(owner: Gs, world: World) -> None:
    made = owner.json("token", "create", "ci", "--days", "3")
    assert made["secret"].startswith("gst_")
    assert "ci" in [item["name"] for item in owner.json("token", "list")["items"]]
    assert made["secret"] not in owner.text("token", "list")
    owner.run("token", "revoke", str(made["id"]))
    assert "ci" not in [item["name"] for item in owner.json("token", "list")["items"]]


def test_organizations_and_the_root(owner: Gs, web: Slice) -> None:
    assert "acme" in [item["organization"] for item in owner.json("org", "list")["items"]]
    root = owner.json("root")
    assert root["slice"] == "acme/root"
    assert root["folders"] == ["shared", "web"]
    assert len(root["commit"]) == 64
    assert "shared/" in owner.text("root")


def test_slices_are_made_found_and_edited(owner: Gs, web: Slice) -> None:
    made = owner.json(
        "slice",
        "create",
        "docs",
        "--files",
        "docs/**,shared/**",
        "--exclude",
        "docs/old/**",
        "--description",
        "D",
    )
    assert (made["slice"], made["file_count"], made["definition"]["version"]) == ("acme/docs", 1, 1)
    assert owner.json("slice", "create", "docs", "--files", "x/**", code=1)["error"]["code"] == "name_taken"
    owner.run("slice", "create", "empty", code=64)
    names = [item["slice"] for item in owner.json("slice", "list")["items"]]
    assert {"acme/docs", "acme/web"} <= set(names)
    assert [item["slice"] for item in owner.json("slice", "list", "--search", "doc")["items"]] == [
        "acme/docs"
    ]
    assert "acme/docs" in owner.text("slice", "list", "--detailed")
    overlap = owner.json("slice", "overlaps", "docs")["items"]
    assert [(item["slice"], item["paths"]) for item in overlap] == [("acme/web", ["shared/s.txt"])]
    edited = owner.json(
        "slice", "edit", "docs", "--add", "web/**", "--remove", "shared/**", "--required-approvals", "2"
    )
    assert edited["definition"]["version"] == 2
    assert edited["includes"] == ["docs/**", "web/**"]
    assert edited["policy"]["required_approvals"] == 2
    owner.run("slice", "edit", "docs", code=64)
    assert "docs/old/**" in owner.text("slice", "info", "docs")
    assert owner.json("slice", "status", "acme/web")["health"] == "healthy"
    assert owner.json("slice", "owners", "web")["slice"] == "acme/web"
    assert owner.json("slice", "info", "nonsense", code=10)["error"]["code"] == "slice_not_found"


def test_lists_go_on_where_they_ended(owner: Gs, web: Slice, world: World) -> None:
    for number in range(3):
        world.propose(web, {f"web/{number}.txt": b"x"}, title=f"Number {number}")
    first = owner.json("changeset", "list", "--limit", "2")
    second = owner.json("changeset", "list", "--limit", "2", "--cursor", first["next_cursor"])
    titles = [item["title"] for item in first["items"] + second["items"]]
    assert titles == ["Number 2", "Number 1", "Number 0", "First files"]
    assert "--cursor" in owner.text("changeset", "list", "--limit", "2")


def test_forking_a_folder(owner: Gs, web: Slice) -> None:
    made = owner.json("fork", "pages", "web", "--from", "web", "--description", "Pages")
    assert (made["slice"], made["file_count"]) == ("acme/pages", 1)


def test_a_change_is_reviewed_and_lands(
    owner: Gs, web: Slice, world: World, web_server: WebServer, tmp_path: Path
) -> None:
    ada, gs = writer(world, web_server, tmp_path, web, "ada")
    owner.run("slice", "edit", "web", "--required-approvals", "1")
    changeset = world.propose(web, {"web/a.txt": OURS}, by=ada, title="Nine is ours")
    name = str(changeset)
    listed = gs.json("changeset", "list", "--mine", "--status", "open", "--slice", "acme/web")["items"]
    assert [(item["changeset"], item["author"]) for item in listed] == [(name, "ada")]
    review = gs.json("changeset", "review", name, "--diff")
    assert review["readiness"] == "needs_approval"
    assert review["stats"] == {"files": 1, "additions": 1, "deletions": 1}
    assert "+ours" in review["files"][0]["hunks"][0]["lines"]
    assert "-line 9\n+ours\n" in gs.text("changeset", "review", name, "--diff")
    assert gs.json("changeset", "merge", name, code=4)["error"]["code"] == "needs_approval"
    comment = gs.json("changeset", "comment", name, "-m", "why nine?", "--path", "web/a.txt", "--line", "10")
    assert (comment["changeset"], comment["path"], comment["line"]) == (name, "web/a.txt", 10)
    assert owner.json("changeset", "approve", f"acme/{name}", "-m", "fine")["state"] == "approved"
    assert "approve" in gs.text("changeset", "show", name)
    landed = gs.json("changeset", "merge", name, "-m", "Nine becomes ours")
    assert (landed["state"], landed["conflicts"], landed["merged_paths"]) == ("merged", [], [])
    assert gs.json("changeset", "merge", name)["commit"] == landed["commit"]
    assert gs.json("changeset", "show", name)["commit"] == landed["commit"]
    assert gs.json("changeset", "show", "999", code=20)["error"]["code"] == "changeset_not_found"


def test_rejecting_and_abandoning(owner: Gs, web: Slice, world: World) -> None:
    author = world.writer(web, "bob")
    rejected = str(world.propose(web, {"web/b.txt": b"b"}, by=author))
    assert owner.json("changeset", "reject", rejected, "-m", "no")["state"] == "rejected"
    abandoned = str(world.propose(web, {"web/c.txt": b"c"}))
    assert owner.json("changeset", "abandon", abandoned, "--reason", "not needed")["state"] == "abandoned"
    assert "not needed" in owner.text("changeset", "show", abandoned)


def test_history_and_commits(owner: Gs, web: Slice, world: World) -> None:
    other = world.slice("core", "shared/**", "core/**")
    world.land(other, {"shared/s.txt": b"two\n", "core/c.txt": b"c\n"}, title="Through core")
    log = owner.json("log", "web")["items"]
    assert [item["message"] for item in log] == ["Through core", "First files"]
    assert [item["message"] for item in owner.json("log", "web", "--grep", "First")["items"]] == [
        "First files"
    ]
    assert len(owner.json("log", "web", "--path", "shared/s.txt")["items"]) == 2
    assert len(owner.json("log", "web", "--path", "web")["items"]) == 1
    assert owner.json("log", "web", "--since", "1h")["items"] == log
    assert owner.json("log", "web", "--until", "2020-01-01")["items"] == []
    assert "via acme/core" in owner.text("log", "web", "--graph")
    assert "commit " + log[0]["commit"] in owner.text("log", "web", "--detailed")
    commit = owner.json("show", log[0]["commit"][:12], "--slice", "web", "--diff", "--parents")
    assert [(item["path"], item["op"]) for item in commit["files"]] == [("shared/s.txt", "modify")]
    assert commit["hidden_files"] == 1
    assert commit["diff"][0]["hunks"][0]["lines"] == ["-shared", "+two"]
    assert "From: acme-owner" in owner.text("show", log[1]["commit"], "--slice", "web", "--patch")
    assert (
        owner.json("show", log[1]["commit"], "--slice", "web", "--path", "web")["files"][0]["path"]
        == "web/a.txt"
    )
    assert owner.text("show", f"{log[1]['commit'][:8]}:shared/s.txt", "--slice", "web") == "shared\n"
    assert owner.json("show", "HEAD:shared/s.txt", "--slice", "web")["content"] == "two\n"
    assert owner.json("show", "HEAD:nonsense", "--slice", "web", code=1)["error"]["code"] == "path_not_found"
    owner.run("show", "ffffffffff", "--slice", "web", code=1)


def test_conflicts_are_shown_and_resolved(owner: Gs, web: Slice, world: World) -> None:
    name = conflicting(world, web)
    failed = owner.json("changeset", "merge", name, code=30)["error"]
    assert failed["code"] == "merge_conflict"
    assert [item["path"] for item in failed["details"]["conflicts"]] == ["web/a.txt"]
    result = owner.run("changeset", "merge", name, code=30)
    assert "web/a.txt" in result.stdout
    assert result.stderr.startswith("error: ")
    owner.run("changeset", "rebase", name, code=30)
    listed = owner.json("conflict", "list", "--changeset", name)["items"]
    assert [(item["path"], item["kind"], item["severity"]) for item in listed] == [
        ("web/a.txt", "content", "high")
    ]
    assert "web/a.txt" in owner.text("conflict", "list", "--slice", "web", "--detailed")
    shown = owner.json("conflict", "show", "web/a.txt", "--changeset", name)
    assert (shown["hunks"][0]["ours"], shown["hunks"][0]["theirs"]) == (["ours"], ["theirs"])
    assert owner.json("conflict", "show", str(shown["id"]))["path"] == "web/a.txt"
    assert "theirs" in owner.text("conflict", "show", "web/a.txt", "--slice", "web")
    owner.run("conflict", "show", "web/none.txt", "--changeset", name, code=1)
    owner.run("conflict", "resolve", "--changeset", name, code=64)
    owner.run("conflict", "resolve", "--auto", "--changeset", name, code=31)
    resolved = owner.json("conflict", "resolve", "web/a.txt", "--ours", "--changeset", name)
    assert resolved["resolved"] == [{"path": "web/a.txt", "choice": "ours"}]
    assert resolved["patchset"] == 2
    assert owner.json("conflict", "list", "--changeset", name)["items"] == []
    assert len(owner.json("conflict", "list", "--changeset", name, "--all")["items"]) == 1
    assert owner.json("conflict", "resolve", "--theirs", "--changeset", name)["resolved"] == []
    owner.run("changeset", "merge", name)
    assert owner.text("show", "HEAD:web/a.txt", "--slice", "web") == OURS.decode()


def test_what_merges_cleanly_is_rebased(owner: Gs, web: Slice, world: World) -> None:
    name = str(world.propose(web, {"web/a.txt": TEXT.replace(b"line 2\n", b"two\n")}))
    world.land(web, {"web/a.txt": THEIRS})
    rebased = owner.json("changeset", "rebase", name)
    assert (rebased["patchset"], rebased["merged_paths"], rebased["conflicts"]) == (2, ["web/a.txt"], [])
    assert owner.json("changeset", "review", name, "--summary")["readiness"] == "ready_for_merge"


def test_an_editor_resolves_a_conflict(owner: Gs, web: Slice, world: World) -> None:
    """On a terminal: `e` opens the merge with markers, and what the editor leaves becomes the file."""
    name = conflicting(world, web)
    script = owner.folder / "editor.py"
    script.write_text(
        "import sys, pathlib\npath = pathlib.Path(sys.argv[1])\ntext = path.read_text()\n"
        "assert '<<<<<<< ours\\nours\\n=======\\ntheirs\\n>>>>>>> theirs\\n' in text\n"
        "start, end = text.index('<<<<<<<'), text.index('>>>>>>> theirs\\n') + len('>>>>>>> theirs\\n')\n"
        "path.write_text(text[:start] + 'both\\n' + text[end:])\n"
    )
    owner.environment["EDITOR"] = f"{sys.executable} {script}"
    output = on_terminal(owner, ["conflict", "resolve", "--changeset", name], b"e\n")
    assert "Resolved 1 conflict" in output, output
    owner.run("changeset", "merge", name)
    assert (
        owner.text("show", "HEAD:web/a.txt", "--slice", "web")
        == TEXT.replace(b"line 9\n", b"both\n").decode()
    )


def test_one_way_out_is_chosen(owner: Gs, web: Slice) -> None:
    assert owner.json("conflict", "resolve", "--ours", "--theirs", code=64)["error"]["code"] == "usage"


def test_left_over_markers_are_refused(owner: Gs, web: Slice, world: World) -> None:
    name = conflicting(world, web)
    owner.environment["EDITOR"] = "true"
    output = on_terminal(owner, ["conflict", "resolve", "--changeset", name], b"e\nq\n")
    assert "still has conflict markers" in output
    assert owner.json("changeset", "show", name)["patchset"] == 1


def test_pages_of_changesets(owner: Gs) -> None:
    assert owner.text("browse", "acme/cl-7", "--print").startswith("http://127.0.0.1:")
