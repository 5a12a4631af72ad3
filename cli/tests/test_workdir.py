"""A directory bound to a slice: filled, changed, brought up to date, landed. Real `gs`, real server."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from people import TEXT, Gs, writer

from slices.models import Commit, Slice
from tests.processes import WebServer
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

ODD_NAMES = [
    "sp ace.txt",
    "quo'te\"s.txt",
    "ünïcode-日本.txt",
    "-n",
    "back\\slash",
    "star*.txt",
    "100%.txt",
    "#x?",
]


@pytest.fixture
def work(owner: Gs, web: Slice) -> Gs:
    owner.json("init", "acme/web", "work")
    return owner.at(owner.folder / "work")


@pytest.fixture
def other(owner: Gs, web: Slice) -> Gs:
    owner.json("init", "acme/web", "other")
    return owner.at(owner.folder / "other")


def tree(folder: Path) -> dict[str, tuple[bytes, bool]]:
    """Path -> content (or target) and whether it is executable; without `.gs`."""
    found = {}
    for name in folder.rglob("*"):
        path = name.relative_to(folder).as_posix()
        if path.split("/")[0] in (".gs", ".git") or (name.is_dir() and not name.is_symlink()):
            continue
        if name.is_symlink():
            found[path] = (os.fsencode(os.readlink(name)), False)
        else:
            found[path] = (name.read_bytes(), os.access(name, os.X_OK) and bool(name.stat().st_mode & 0o100))
    return found


def test_init_fills_an_empty_directory(owner, web):
    told = owner.json("init", "acme/web")
    assert (told["slice"], told["files"], told["bytes"]) == ("acme/web", 2, len(TEXT) + 7)
    assert tree(owner.folder / "web") == {"web/a.txt": (TEXT, False), "shared/s.txt": (b"shared\n", False)}
    status = owner.at(owner.folder / "web").json("status")
    assert (status["changes"], status["base"], status["behind"]) == ([], told["commit"], 0)


def test_init_refuses_a_directory_with_files(owner, web):
    (owner.folder / "full").mkdir()
    (owner.folder / "full" / "mine.txt").write_text("mine")
    owner.run("init", "acme/web", "full", code=1)
    assert (owner.folder / "full" / "mine.txt").read_text() == "mine"
    owner.run("init", "acme/web", "full", "--force")
    assert owner.at(owner.folder / "full").json("status")["changes"] == [{"path": "mine.txt", "op": "add"}]


def test_init_of_a_part(owner, web):
    owner.json("init", "acme/web", "part", "--path", "shared")
    part = owner.at(owner.folder / "part")
    assert set(tree(part.folder)) == {"shared/s.txt"}
    assert part.json("status")["changes"] == []
    assert part.json("pull")["updated"] == []


def test_outside_a_working_directory(owner, web):
    owner.run("status", code=23)
    assert owner.json("status", code=23)["error"]["code"] == "not_a_working_directory"
    owner.run("init", "acme/unknown", code=10)


def test_every_kind_of_change_is_seen_and_landed(work, other):
    (work.folder / "web" / "a.txt").write_bytes(TEXT + b"more\n")
    (work.folder / "shared" / "s.txt").rename(work.folder / "shared" / "t.txt")
    (work.folder / "web" / "run.sh").write_bytes(b"#!/bin/sh\n")
    (work.folder / "web" / "run.sh").chmod(0o755)
    (work.folder / "web" / "link").symlink_to("a.txt")
    (work.folder / "web" / "binary").write_bytes(bytes(range(256)) * 40)
    (work.folder / "web" / "empty").touch()
    ops = {change["path"]: change["op"] for change in work.json("status")["changes"]}
    assert ops == {
        "shared/t.txt": "rename",
        "web/a.txt": "modify",
        "web/binary": "add",
        "web/empty": "add",
        "web/link": "add",
        "web/run.sh": "add",
    }
    landed = work.json("submit", "-m", "All kinds")
    assert (landed["state"], landed["merged_paths"]) == ("merged", [])
    assert work.json("status")["changes"] == []
    pulled = other.json("pull")
    assert pulled["to"] == landed["commit"]
    assert tree(other.folder) == tree(work.folder)
    (work.folder / "web" / "run.sh").chmod(0o644)
    assert work.json("status")["changes"] == [{"path": "web/run.sh", "op": "chmod"}]


def test_odd_names_survive(work, other):
    for name in ODD_NAMES:
        (work.folder / "web" / name).write_text(name)
    work.json("submit", "-m", "Odd names")
    other.json("pull")
    assert tree(other.folder) == tree(work.folder)
    assert work.json("status")["changes"] == []


def test_names_that_are_no_text_are_named(work, owner, tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    for place in (work.folder, folder):
        with open(os.fsencode(place) + b"/\xff.py", "wb"):
            pass
    for refused in (
        work.json("submit", "-m", "x", code=64),
        owner.json("import", "dir", str(folder), code=64),
    ):
        assert refused["error"]["code"] == "invalid_path"
        assert r"\xff.py" in refused["error"]["message"]


def test_pull_merges_local_edits(work, other):
    (work.folder / "web" / "a.txt").write_bytes(TEXT.replace(b"line 3\n", b"ours\n"))
    (other.folder / "web" / "a.txt").write_bytes(TEXT.replace(b"line 15\n", b"theirs\n"))
    (other.folder / "shared" / "s.txt").write_bytes(b"new\n")
    other.json("submit", "-m", "Theirs")
    pulled = work.json("pull")
    assert (pulled["updated"], pulled["merged"], pulled["conflicts"]) == (["shared/s.txt"], ["web/a.txt"], [])
    both = TEXT.replace(b"line 3\n", b"ours\n").replace(b"line 15\n", b"theirs\n")
    assert (work.folder / "web" / "a.txt").read_bytes() == both
    assert work.json("status")["changes"] == [{"path": "web/a.txt", "op": "modify"}]


def test_pull_marks_what_does_not_merge(work, other):
    (work.folder / "web" / "a.txt").write_bytes(TEXT.replace(b"line 3\n", b"ours\n"))
    (other.folder / "web" / "a.txt").write_bytes(TEXT.replace(b"line 3\n", b"theirs\n"))
    other.json("submit", "-m", "Theirs")
    pulled = work.json("pull", code=32)
    assert pulled["conflicts"] == ["web/a.txt"]
    marked = (work.folder / "web" / "a.txt").read_bytes()
    assert b"<<<<<<< yours\nours\n=======\ntheirs\n>>>>>>> theirs\n" in marked
    assert work.json("status")["conflicts"] == ["web/a.txt"]
    work.run("submit", "-m", "Too early", code=32)
    assert work.json("pull", code=32)["conflicts"] == ["web/a.txt"]
    assert (work.folder / "web" / "a.txt").read_bytes() == marked
    (work.folder / "web" / "a.txt").write_bytes(TEXT.replace(b"line 3\n", b"both\n"))
    assert work.json("submit", "-m", "Settled")["state"] == "merged"


def test_pull_keeps_local_files_that_are_in_the_way(work, other):
    (other.folder / "web" / "new.txt").write_bytes(b"theirs\n")
    (other.folder / "web" / "a.txt").unlink()
    other.json("submit", "-m", "Theirs")
    (work.folder / "web" / "new.txt").write_bytes(b"\0mine")
    (work.folder / "web" / "a.txt").write_bytes(b"edited\n")
    pulled = work.json("pull", code=32)
    assert pulled["conflicts"] == ["web/a.txt", "web/new.txt"]
    assert (work.folder / "web" / "new.txt").read_bytes() == b"\0mine"
    assert (work.folder / "web" / "a.txt").read_bytes() == b"edited\n"


def test_submit_on_an_old_base_merges_and_updates(work, other):
    (other.folder / "web" / "a.txt").write_bytes(TEXT.replace(b"line 15\n", b"theirs\n"))
    other.json("submit", "-m", "Theirs")
    (work.folder / "web" / "a.txt").write_bytes(TEXT.replace(b"line 3\n", b"ours\n"))
    landed = work.json("submit", "-m", "Ours")
    assert landed["merged_paths"] == ["web/a.txt"]
    both = TEXT.replace(b"line 3\n", b"ours\n").replace(b"line 15\n", b"theirs\n")
    assert (work.folder / "web" / "a.txt").read_bytes() == both
    assert work.json("status")["changes"] == []


def test_a_submit_that_collides_is_refused_and_can_be_mended(work, other):
    (other.folder / "web" / "a.txt").write_bytes(TEXT.replace(b"line 3\n", b"theirs\n"))
    other.json("submit", "-m", "Theirs")
    (work.folder / "web" / "a.txt").write_bytes(TEXT.replace(b"line 3\n", b"ours\n"))
    error = work.json("submit", "-m", "Ours", code=30)["error"]
    assert error["details"]["conflicts"][0]["path"] == "web/a.txt"
    assert work.json("status")["changeset"] == error["details"]["changeset"]
    assert work.json("conflict", "list")["items"][0]["severity"] == "high"
    work.json("pull", code=32)
    (work.folder / "web" / "a.txt").write_bytes(TEXT.replace(b"line 3\n", b"both\n"))
    landed = work.json("submit", "-m", "Settled")
    assert landed["changeset"] == error["details"]["changeset"]
    assert work.json("status")["changes"] == []


def test_a_changeset_grows_by_updates(work):
    (work.folder / "web" / "a.txt").write_bytes(b"one\n")
    created = work.json("changeset", "create", "-m", "First\n\nWith reasons")
    assert (created["state"], created["patchset"], created["files"]) == ("pending", 1, ["web/a.txt"])
    (work.folder / "web" / "b.txt").write_bytes(b"two\n")
    updated = work.json("changeset", "update", "-m", "and b")
    assert (updated["changeset"], updated["patchset"]) == (created["changeset"], 2)
    review = work.json("changeset", "review")
    assert (review["readiness"], review["stats"]["files"]) == ("ready_for_merge", 2)
    merged = work.json("changeset", "merge", "--update-workdir")
    assert merged["state"] == "merged"
    assert work.json("status")["changes"] == []


def test_a_changeset_of_named_files_only(work):
    (work.folder / "web" / "a.txt").write_bytes(b"one\n")
    (work.folder / "shared" / "s.txt").write_bytes(b"two\n")
    assert work.json("changeset", "create", "shared", "-m", "Shared")["files"] == ["shared/s.txt"]
    work.run("changeset", "create", "web/unknown", "-m", "x", code=1)


def test_nothing_to_propose_is_said(work):
    work.run("submit", "-m", "Nothing", code=1)
    work.run("changeset", "create", "-m", "Nothing", code=1)


def test_status_and_diff_need_no_server(work, web_server):
    (work.folder / "web" / "a.txt").write_bytes(TEXT.replace(b"line 3\n", b"ours\n"))
    web_server.stop()
    assert work.json("status")["changes"] == [{"path": "web/a.txt", "op": "modify"}]
    (file,) = work.json("diff")["files"]
    assert (file["path"], file["additions"], file["deletions"]) == ("web/a.txt", 1, 1)
    assert "-line 3\n+ours\n" in work.text("diff")
    work.run("pull", code=2)


def test_diffs_between_commits_and_of_paths(work):
    first = work.json("status")["base"]
    (work.folder / "web" / "a.txt").write_bytes(b"one\n")
    (work.folder / "shared" / "s.txt").write_bytes(b"two\n")
    second = work.json("submit", "-m", "Two")["commit"]
    assert {file["path"] for file in work.json("diff", first, second)["files"]} == {
        "shared/s.txt",
        "web/a.txt",
    }
    assert [file["path"] for file in work.json("diff", first, "shared")["files"]] == ["shared/s.txt"]
    assert work.text("diff", "--name-only", first, "--", "web") == "web/a.txt\n"
    assert work.text("diff", first, second, "--name-only", "--filter", "web/*") == "web/a.txt\n"


def test_untracked_files_follow_the_ignore_files(work):
    (work.folder / ".gitignore").write_text("*.log\nbuild/\n")
    (work.folder / "web" / "x.log").write_text("x")
    (work.folder / "web" / "build").mkdir()
    (work.folder / "web" / "build" / "y").write_text("y")
    assert [change["path"] for change in work.json("status")["changes"]] == [".gitignore"]


def test_import_lands_a_folder_and_then_only_what_differs(owner, world):
    source = owner.folder / "source"
    (source / "deep" / "er").mkdir(parents=True)
    for number in range(60):
        (source / "deep" / f"{number}.py").write_text(f"value = {number}\n" * 50)
    (source / "deep" / "er" / "big").write_bytes(os.urandom(5 << 20))
    (source / "run").write_text("#!/bin/sh\n")
    (source / "run").chmod(0o755)
    (source / "link").symlink_to("run")
    told = owner.json("import", "dir", "source", "--at", "vendor/source")
    assert (told["files"], len(told["commits"])) == (63, 1)
    owner.json("slice", "create", "vendor", "--files", "vendor/**")
    owner.json("slice", "checkout", "acme/vendor", "out")
    assert tree(owner.folder / "out" / "vendor" / "source") == tree(source)
    (source / "deep" / "0.py").write_text("changed\n")
    (source / "deep" / "1.py").unlink()
    again = owner.json("import", "dir", "source", "--at", "vendor/source", "--delete")
    assert again["changed"] == 2
    assert owner.json("import", "dir", "source", "--at", "vendor/source")["commits"] == []
    owner.json("slice", "checkout", "acme/vendor", "out2")
    assert tree(owner.folder / "out2" / "vendor" / "source") == tree(source)


def test_time_travel_gives_what_git_has(work, owner):
    """The same random edits in git and here; every commit is compared file by file."""
    generator = random.Random(7)
    twin = owner.folder / "twin"
    twin.mkdir()
    git(twin, "init", "-q")
    mirror(work.folder, twin)
    git(twin, "add", "-A")
    git(twin, "commit", "-qm", "start")
    pairs = [(work.json("status")["base"], git(twin, "rev-parse", "HEAD"))]
    for number in range(8):
        edit_at_random(generator, work.folder, number)
        mirror(work.folder, twin)
        git(twin, "add", "-A")
        git(twin, "commit", "-qm", str(number))
        pairs.append((work.json("submit", "-m", f"Edit {number}")["commit"], git(twin, "rev-parse", "HEAD")))
    for commit, git_commit in pairs:
        git(twin, "checkout", "-q", git_commit)
        owner.json("slice", "checkout", "acme/web", f"at-{commit[:12]}", "--commit", commit[:12])
        assert tree(owner.folder / f"at-{commit[:12]}") == tree(twin)
    owner.json("init", "acme/web", "old", "--commit", pairs[3][0])
    old = owner.at(owner.folder / "old")
    assert old.json("pull")["to"] == pairs[-1][0]
    assert tree(old.folder) == tree(work.folder)


def edit_at_random(generator: random.Random, folder: Path, number: int) -> None:
    for count in range(5):
        standing = [name for name in sorted((folder / "web").rglob("*")) if name.is_file()]
        kind = generator.random()
        if kind < 0.4 or len(standing) < 4:
            name = folder / "web" / f"d{generator.randint(0, 3)}" / f"{number}-{count}.txt"
            name.parent.mkdir(exist_ok=True)
            name.write_text(f"{generator.random()}\n" * generator.randint(0, 30))
        elif kind < 0.6:
            generator.choice(standing).write_text(f"{generator.random()}\n")
        elif kind < 0.75:
            generator.choice(standing).unlink()
        elif kind < 0.9:
            name = generator.choice(standing)
            name.rename(name.with_name(f"moved-{number}-{count}"))
        else:
            name = generator.choice(standing)
            name.chmod(name.stat().st_mode ^ 0o111)


def mirror(source: Path, target: Path) -> None:
    """Make `target` hold what `source` holds; `.git` stays, `.gs` is left out."""
    for name in target.iterdir():
        if name.name != ".git":
            shutil.rmtree(name)
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".gs"))


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "core.quotePath=false"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_request_that_was_answered_but_not_heard_lands_once(work):
    """`gs` died after the server had landed the change: running it again finds that out."""
    (work.folder / "web" / "a.txt").write_bytes(b"one\n")
    before = (work.folder / ".gs" / "state").read_bytes(), (work.folder / ".gs" / "index").read_bytes()
    landed = work.json("submit", "-m", "Once")
    (work.folder / ".gs" / "state").write_bytes(before[0])
    (work.folder / ".gs" / "index").write_bytes(before[1])
    count = Commit.objects.count()
    again = work.json("pull")
    assert (again["to"], again["conflicts"]) == (landed["commit"], [])
    assert Commit.objects.count() == count
    assert work.json("status")["changes"] == []


def test_two_teams_land_through_overlapping_slices(
    world: World, owner: Gs, web: Slice, web_server: WebServer, tmp_path
):
    shop = world.slice("shop", "shop/**", "shared/**")
    _, ann = writer(world, web_server, tmp_path, web, "ann")
    _, ben = writer(world, web_server, tmp_path, shop, "ben")
    ann.json("init", "acme/web", "w")
    ben.json("init", "acme/shop", "w")
    ann, ben = ann.at(ann.folder / "w"), ben.at(ben.folder / "w")
    assert set(tree(ben.folder)) == {"shared/s.txt"}
    (ann.folder / "shared" / "s.txt").write_bytes(b"shared\nann\n")
    (ben.folder / "shop").mkdir()
    (ben.folder / "shop" / "x").write_bytes(b"x\n")
    commit = ann.json("submit", "-m", "Ann's")["commit"]
    ben.json("submit", "-m", "Ben's")
    assert (ben.folder / "shared" / "s.txt").read_bytes() == b"shared\nann\n"
    assert commit in [item["commit"] for item in ben.json("log")["items"]]
    (ben.folder / "web").mkdir()
    (ben.folder / "web" / "y").write_bytes(b"y")
    ben.run("submit", "-m", "Not ours", code=11)
    ben.run("init", "acme/root", tmp_path / "r", code=10)
