"""The global state by the command line: merge, history, tags, undo, export."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from people import TEXT, Gs

from accounts.services import add_member
from slices.models import Slice
from tests.world import World


@pytest.fixture
def billing(world: World) -> Slice:
    slice = world.slice("billing", "services/billing/**")
    world.land(
        world.root, {"services/billing/a.py": TEXT, "shared/ü b": b"odd\n", "empty": b""}, title="First"
    )
    return slice


def test_status_merge_log_and_show(owner: Gs, world: World, billing: Slice) -> None:
    before = owner.json("global", "status")
    assert (before["commit"], before["number"], before["pending_commits"]) == (None, 0, 1)
    assert owner.json("root")["ahead"] == 1
    assert [row["slice"] for row in before["slices"]] == ["acme/billing"]
    assert "gs global merge" in owner.text("global", "status")
    assert [row["message"] for row in owner.json("global", "log", "--pending")["items"]] == ["First"]
    tried = owner.json("global", "merge", "--dry-run")
    assert (tried["commit"], tried["number"], tried["merged_commits"]) == (None, 1, 1)
    assert "g1 would hold 1 commit, 3 paths" in owner.text("global", "merge", "--dry-run")
    done = owner.json("global", "merge")
    assert (done["number"], done["merged_commits"], done["tree"]) == (1, 1, tried["tree"])
    assert "Nothing waits: g1 has all" in owner.text("global", "merge")
    world.land(billing, {"services/billing/a.py": b"new\n"}, title="Second")
    world.land(billing, {"services/billing/b.py": b"new\n"}, title="Third")
    part = owner.json("global", "merge", "--slice", "billing", "--max-commits", "1", "--wait")
    assert (part["merged_commits"], part["pending_commits"], part["slices"]) == (1, 1, ["acme/billing"])
    assert [row["number"] for row in owner.json("global", "log")["items"]] == [2, 1]
    assert owner.text("global", "log").startswith("g2 ")
    shown = owner.json("global", "show", "g2")
    assert [row["message"] for row in shown["merged"]] == ["Second"]
    assert "Second" in owner.text("global", "show", shown["commit"][:8])
    owner.run("global", "show", "g9", code=1)
    owner.run("global", "merge", "--slice", "nothing", code=10)
    stats = owner.json("global", "stats", "--days", "2")
    assert stats["days"][-1]["landings"] == 3
    assert "acme/billing" in owner.text("global", "stats")


def test_who_may_not_merge_still_reads(world: World, billing: Slice, web_server, tmp_path: Path) -> None:
    member = Gs(web_server, tmp_path / "member", world.token(world.user("member")))
    assert member.json("global", "status")["pending_commits"] == 1
    member.run("global", "merge", code=4)
    member.run("global", "tag", "v1", code=1)
    assert "--slice" in member.run("export", "dir", "out", "--commit", "HEAD", code=10).stderr


def test_tags_name_what_is_checked_out_and_exported(
    owner: Gs, world: World, billing: Slice, tmp_path: Path
) -> None:
    owner.json("global", "merge")
    made = owner.json("global", "tag", "v1.0", "-m", "First release")
    assert (made["tag"], made["number"]) == ("v1.0", 1)
    world.land(billing, {"services/billing/a.py": b"later\n"})
    owner.json("global", "merge")
    owner.run("global", "tag", "v1.0", code=1)
    assert [row["tag"] for row in owner.json("global", "tag")["items"]] == ["v1.0"]
    assert "v1.0" in owner.text("global", "log")
    owner.json("slice", "checkout", "billing", "old", "--commit", "v1.0")
    assert (owner.folder / "old/services/billing/a.py").read_bytes() == TEXT
    owner.json("init", "billing", "bound", "--commit", "v1.0")
    here = owner.at(owner.folder / "bound")
    assert here.json("status")["behind"] is not None
    assert here.json("pull")["updated"]
    assert (here.folder / "services/billing/a.py").read_bytes() == b"later\n"
    diff = here.json("diff", "v1.0", "g2")["files"]
    assert [item["path"] for item in diff] == ["services/billing/a.py"]
    assert here.text("show", "v1.0:services/billing/a.py") == TEXT.decode()


def test_an_export_is_the_tree_and_the_same_bytes_every_time(
    owner: Gs, world: World, billing: Slice, web_server, tmp_path: Path
) -> None:
    edits = world.edits(world.owner, {"bin/tool": b"#!/bin/sh\n"}, mode="100755")
    edits += world.edits(world.owner, {"link": b"bin/tool"}, mode="120000")
    edits += world.edits(world.owner, {"long/" + "n" * 120 + "/" + "m" * 120: b"deep\n"})
    world.land(world.root, edits)
    owner.json("global", "merge")
    owner.json("global", "tag", "v1")
    data = owner.json("export", "dir", "out", "--commit", "v1")
    assert data["tree"] == owner.json("global", "show", "v1")["tree"]
    assert (data["files"], data["slice"]) == (6, "acme/root")
    out = owner.folder / "out"
    assert os.readlink(out / "link") == "bin/tool"
    assert (out / "bin/tool").stat().st_mode & 0o777 == 0o755
    assert (out / "shared/ü b").read_bytes() == b"odd\n"
    first = owner.json("export", "dir", "--tar", "one.tar", "--commit", "v1")
    assert first["files"] == 6
    world.land(billing, {"services/billing/a.py": b"later\n"})
    owner.json("global", "merge")
    other = Gs(web_server, tmp_path / "other", world.token(world.user("admin", "admin")))
    other.environment["TZ"] = "Pacific/Auckland"
    other.run("export", "dir", "--tar", "two.tar", "--commit", "v1")
    archives = [owner.folder / "one.tar", other.folder / "two.tar"]
    one, two = (hashlib.sha256(archive.read_bytes()).hexdigest() for archive in archives)
    assert one == two
    with tarfile.open(archives[0]) as archive:
        members = {member.name: member for member in archive}
        assert list(members) == sorted(members, key=str.encode)
        assert members["link"].linkname == "bin/tool"
        assert (members["bin/tool"].mode, members["empty"].mode, members["empty"].uid) == (0o755, 0o644, 0)
        assert archive.extractfile("services/billing/a.py").read() == TEXT
    piped = run_binary(owner, "export", "dir", "--tar", "-", "--commit", "v1")
    assert hashlib.sha256(piped).hexdigest() == one
    with tarfile.open(fileobj=io.BytesIO(piped)) as archive:
        assert archive.getnames() == list(members)


def test_an_export_puts_nothing_half_in_place(owner: Gs, world: World, billing: Slice) -> None:
    owner.json("global", "merge")
    os.mkfifo(owner.folder / "pipe")
    reader = subprocess.Popen(["cat", owner.folder / "pipe"], stdout=subprocess.PIPE)
    owner.json("export", "dir", "--tar", "pipe")
    piped, _ = reader.communicate(timeout=20)
    owner.json("export", "dir", "--tar", "real.tar")
    assert piped == (owner.folder / "real.tar").read_bytes()
    (owner.folder / "link.tar").symlink_to("real.tar")
    (owner.folder / "real.tar").write_bytes(b"")
    owner.json("export", "dir", "--tar", "link.tar")
    assert (owner.folder / "link.tar").is_symlink()
    assert (owner.folder / "real.tar").read_bytes() == piped
    assert (
        "nowhere/x.tar cannot be written"
        in owner.run("export", "dir", "--tar", "nowhere/x.tar", code=1).stderr
    )
    old = os.umask(0o077)
    try:
        owner.json("export", "dir", "out")
    finally:
        os.umask(old)
    assert (owner.folder / "out").stat().st_mode & 0o777 == 0o755
    assert (owner.folder / "out/services").stat().st_mode & 0o777 == 0o755
    assert not [name for name in os.listdir(owner.folder) if name.startswith(".") or name.endswith(".part")]


def test_hints_are_for_the_organization_that_was_named(owner: Gs, world: World, billing: Slice) -> None:
    other = World("other")
    add_member(actor=other.owner, organization=other.organization, user=world.owner, role="admin")
    other.land(other.root, {"a": b"1\n"})
    wrong = other.land(other.root, {"a": b"2\n"})
    owner.environment["GITSLICE_ORGANIZATION"] = "acme"
    assert "gs global merge --org other" in owner.text("global", "status", "--org", "other")
    owner.json("global", "merge", "--org", "other")
    assert "--commit v1 --slice other/root" in owner.text("global", "tag", "v1", "--org", "other")
    text = owner.text("revert", wrong.hex, "--slice", "other/root")
    assert "gs changeset merge other/cl-" in text
    number = text.rpartition("other/cl-")[2].strip()
    owner.json("changeset", "merge", f"other/cl-{number}")
    assert other.files() == {"a": b"1\n"}


def test_what_names_more_than_a_commit_is_not_reverted(owner: Gs, world: World, billing: Slice) -> None:
    owner.json("global", "merge")
    result = owner.run("revert", "g1", "--slice", "billing", code=1)
    assert "gs global revert" in result.stderr
    world.land(world.root, {"elsewhere": b"x"})
    said = owner.text("global", "merge", "--slice", "billing")
    assert said.startswith("Nothing waits of what you named; 1 commit of other slices do")
    assert owner.json("global", "merge", "--slice", "billing", "--dry-run")["pending_commits"] == 1


def run_binary(gs: Gs, *arguments: str) -> bytes:
    command = [sys.executable, "-m", "gs.main", *arguments]
    return subprocess.run(
        command, env=gs.environment, cwd=gs.folder, check=True, stdout=subprocess.PIPE
    ).stdout


def test_an_export_says_what_is_wrong(owner: Gs, world: World, billing: Slice) -> None:
    owner.run("export", "dir", "out", code=1)  # nothing is merged yet
    owner.json("global", "merge")
    owner.run("export", "dir", code=64)
    owner.run("export", "dir", "out", "--tar", "x.tar", code=64)
    owner.run("export", "dir", "--tar", "-", "--json", code=64)
    (owner.folder / "full").mkdir()
    (owner.folder / "full" / "mine").write_text("x")
    owner.run("export", "dir", "full", code=1)
    assert owner.json("export", "dir", "part", "--slice", "billing")["files"] == 1


def test_a_commit_is_reverted(owner: Gs, world: World, billing: Slice) -> None:
    wrong = world.land(billing, {"services/billing/a.py": TEXT + b"wrong\n"}, title="Wrong")
    made = owner.json("revert", wrong.hex[:10], "--slice", "billing")
    assert (made["title"], made["conflicts"]) == ('Revert "Wrong"', [])
    assert owner.json("changeset", "merge", made["changeset"])["commit"]
    assert world.files()["services/billing/a.py"] == TEXT
    owner.run("revert", wrong.hex, "--slice", "billing", code=1)
    text = owner.text("revert", owner.json("log", "billing")["items"][0]["commit"], "--slice", "billing")
    assert "gs changeset merge cl-" in text


def test_a_revert_that_collides_is_made_and_shows_why(owner: Gs, world: World, billing: Slice) -> None:
    wrong = world.land(billing, {"services/billing/a.py": TEXT.replace(b"line 3", b"wrong")})
    world.land(billing, {"services/billing/a.py": TEXT.replace(b"line 3", b"more wrong")})
    made = owner.json("revert", wrong.hex, "--slice", "billing")
    assert [(item["path"], item["kind"]) for item in made["conflicts"]] == [
        ("services/billing/a.py", "content")
    ]
    resolved = owner.json("conflict", "resolve", "--ours", "--changeset", made["changeset"])
    assert resolved["patchset"] == 2
    owner.json("changeset", "merge", made["changeset"])
    assert world.files()["services/billing/a.py"] == TEXT


def test_a_global_commit_is_reverted_after_a_look(owner: Gs, world: World, billing: Slice) -> None:
    owner.json("global", "merge")
    world.land(billing, {"services/billing/a.py": b"1\n"})
    world.land(billing, {"services/billing/b.py": b"2\n"})
    owner.json("global", "merge")
    look = owner.json("global", "revert", "g2", "--dry-run")
    assert (look["changeset"], look["file_count"]) == (None, 2)
    assert "It would change 2 files back" in owner.text("global", "revert", "g2", "--dry-run")
    made = owner.json("global", "revert", "g2")
    owner.json("changeset", "merge", made["changeset"])
    assert world.files() == {"services/billing/a.py": TEXT, "shared/ü b": b"odd\n", "empty": b""}
