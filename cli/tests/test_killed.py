"""`gs` killed at any moment, or out of disk: the next run completes the work and nothing of anybody's is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from people import TEXT, Gs

from slices.models import Commit, Slice
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

FILES = 300
ROUNDS = int(os.environ.get("GITSLICE_FAULT_ROUNDS", "6"))


@pytest.fixture
def big(world: World, web: Slice) -> dict[str, bytes]:
    generator = random.Random(5)
    files = {f"web/d{n % 20}/{n}.bin": generator.randbytes(30_000) for n in range(FILES)}
    world.land(web, files, title="Many files")
    return files


def killed(gs: Gs, seconds: float, *arguments: str) -> None:
    """Run `gs` and kill it after so many seconds, unless it is done by then."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gs.main", *arguments],
        env=gs.environment,
        cwd=gs.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


def contents(folder: Path, files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: (folder / path).read_bytes() for path in files if (folder / path).exists()}


def test_a_killed_init_is_completed_by_the_next(owner, big):
    for number in range(ROUNDS):
        killed(owner, 0.12 + 0.06 * number, "init", "acme/web", f"w{number}")
        if not (owner.folder / f"w{number}" / ".gs" / "index").exists():
            owner.run("init", "acme/web", f"w{number}")
        assert contents(owner.folder / f"w{number}", big) == big
        assert owner.at(owner.folder / f"w{number}").json("status")["changes"] == []


def test_a_killed_pull_is_completed_and_keeps_local_edits(owner, big, world, web):
    owner.run("init", "acme/web", "w")
    work = owner.at(owner.folder / "w")
    first = sorted(big)[0]
    for number in range(ROUNDS):
        text = b"".join(b"line %d\n" % n for n in range(30))
        world.land(web, {first: text} | {path: os.urandom(20_000) for path in sorted(big)[1:150]})
        work.run("pull", "-q")
        (work.folder / first).write_bytes(text.replace(b"line 3\n", b"mine\n"))
        new = {first: text.replace(b"line 25\n", b"theirs\n")}
        new |= {path: os.urandom(20_000) for path in sorted(big)[1:150]}
        world.land(web, new)
        killed(work, 0.1 + 0.05 * number, "pull")
        work.run("pull")
        expected = new | {first: new[first].replace(b"line 3\n", b"mine\n")}
        assert contents(work.folder, new) == expected
        assert work.json("status")["changes"] == [{"path": first, "op": "modify"}]
        work.json("submit", "-m", f"Mine {number}")


def test_a_killed_submit_lands_once(owner, web, world):
    owner.run("init", "acme/web", "w")
    work = owner.at(owner.folder / "w")
    for number in range(ROUNDS):
        before = Commit.objects.count()
        (work.folder / "web" / "a.txt").write_bytes(TEXT + b"%d\n" % number)
        killed(work, 0.1 + 0.03 * number, "submit", "-m", f"Edit {number}")
        if work.json("status")["changes"]:
            work.run("pull")
        if work.json("status")["changes"]:
            work.json("submit", "-m", f"Edit {number}")
        assert work.json("status")["changes"] == []
        assert Commit.objects.count() == before + 1
        assert world.files()["web/a.txt"] == TEXT + b"%d\n" % number


def test_a_full_disk_is_said_and_the_rest_comes_later(owner, big):
    small = owner.folder / "small"
    small.mkdir()
    script = f'mount -t tmpfs -o size=2m none {small} && cd {small} && "$@"; echo "exit $?"'
    command = [sys.executable, "-m", "gs.main", "init", "acme/web", "w"]
    result = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh", *command],
        env=owner.environment,
        capture_output=True,
        text=True,
    )
    assert result.stdout.endswith("exit 1\n"), result
    assert "No space left on device" in result.stderr
    owner.run("init", "acme/web", "w")
    assert contents(owner.folder / "w", big) == big


def test_two_at_once_in_one_directory_do_not_collide(owner, web):
    owner.run("init", "acme/web", "w")
    work = owner.at(owner.folder / "w")
    import fcntl

    with (work.folder / ".gs" / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another gs is at work" in work.run("pull", code=1).stderr
        assert work.json("status")["changes"] == []
    work.run("pull")


def test_a_damaged_cache_is_found_and_fetched_anew(owner, big):
    owner.run("init", "acme/web", "one")
    for pack in (owner.folder / "config" / "cache").glob("*.pack"):
        data = bytearray(pack.read_bytes())
        for place in range(1000, len(data), 10_000):
            data[place] ^= 0xFF
        pack.write_bytes(data)
    owner.run("init", "acme/web", "two")
    assert contents(owner.folder / "two", big) == big
    assert owner.json("cache", "verify")["damaged"] == []
    assert owner.json("cache", "stats")["blobs"] >= FILES
    owner.run("cache", "clear")
    assert owner.json("cache", "stats")["blobs"] == 0
