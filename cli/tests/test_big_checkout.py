"""Checkouts that are big enough for two processes, and manifests that the cache holds. Real `gs`, real server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from people import Gs

from gs.cache import Cache
from gs.main import run
from gs.workdir import beside, checkout
from gs.workdir.files import Tree
from slices.models import Slice, SliceRole
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

FILES = 2 * beside.WORTHWHILE + 200


@pytest.fixture
def many(world: World, owner: Gs, web: Slice) -> dict[str, bytes]:
    """What the slice holds, after one checkout has filled the cache."""
    files = {f"web/{number % 30}/{number}.txt": b"content %d\n" % (number // 2) for number in range(FILES)}
    world.land(web, files)
    owner.json("init", "acme/web", "first")
    return files


def standing(folder: Path) -> dict[str, bytes]:
    return {
        name.relative_to(folder).as_posix(): name.read_bytes()
        for name in (folder / "web").rglob("*")
        if name.is_file()
    }


def holds(gs: Gs, name: str, files: dict[str, bytes]) -> None:
    found = standing(gs.folder / name)
    found.pop("web/a.txt")
    assert found == files
    assert gs.at(gs.folder / name).json("status")["changes"] == []


def test_a_warm_checkout_by_two_processes_is_whole(owner, many):
    holds(owner, "first", many)
    told = owner.json("init", "acme/web", "second")
    assert told["files"] == FILES + 2
    holds(owner, "second", many)


def test_what_the_second_process_cannot_read_is_fetched(owner, many):
    (pack,) = (owner.folder / "config" / "cache").glob("*.pack")
    content = bytearray(pack.read_bytes())
    middle = 3 * len(content) // 4
    content[middle : middle + 50] = bytes(50)
    pack.write_bytes(content)
    owner.json("init", "acme/web", "second")
    holds(owner, "second", many)


def test_a_second_process_that_dies_leaves_its_work_to_the_first(monkeypatch):
    wait = beside.start(lambda: bytes(1 << 20))
    assert wait() == bytes(1 << 20)

    def dies() -> bytes:
        raise OSError("no space")

    assert beside.start(dies)() is None


@pytest.mark.parametrize("after", [0, 700])
def test_what_a_second_process_does_not_write_is_written_by_the_first(owner, many, monkeypatch, after):
    """A checkout with nothing cached; the second process dies at once, or in the middle of its work."""
    written = checkout._write_sent

    def dies(source, tree, rows):
        class Dying(Tree):
            left = after

            def create(self, *arguments):
                if not self.left:
                    os._exit(9)
                self.left -= 1
                return super().create(*arguments)

        return written(source, Dying(tree.root), rows)

    monkeypatch.setattr(checkout, "_write_sent", dies)
    for name, value in owner.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITSLICE_CONFIG_DIR", str(owner.folder / "another"))
    monkeypatch.chdir(owner.folder)
    assert run(["init", "acme/web", "second", "--quiet"]) == 0
    holds(owner, "second", many)


def test_a_kept_manifest_is_used_as_long_as_it_holds(world, owner, many, web):
    cache = Cache(str(owner.folder / "config" / "cache"))
    (kept,) = Path(cache.folder).glob("*.manifest")
    before = kept.stat().st_mtime_ns
    owner.json("init", "acme/web", "second")
    assert kept.stat().st_mtime_ns == before
    world.land(web, {"web/new.txt": b"new\n"})
    owner.json("init", "acme/web", "third")
    assert (owner.folder / "third" / "web" / "new.txt").read_bytes() == b"new\n"
    assert kept.stat().st_mtime_ns > before


def test_a_damaged_manifest_is_fetched_again(owner, many):
    (kept,) = (owner.folder / "config" / "cache").glob("*.manifest")
    content = bytearray(kept.read_bytes())
    content[-100] ^= 1
    kept.write_bytes(content)
    owner.json("init", "acme/web", "second")
    holds(owner, "second", many)


def test_a_kept_manifest_shows_nothing_to_who_may_no_longer_read(world, web_server, many, web, tmp_path):
    Slice.objects.filter(pk=web.pk).update(visibility="private")
    reader = world.user("reader")
    role = SliceRole.objects.create(slice=web, user=reader, role="reader")
    gs = Gs(web_server, tmp_path / "reader", world.token(reader))
    gs.json("init", "acme/web", "before")
    role.delete()
    assert gs.json("init", "acme/web", "after", code=10)["error"]["code"] == "slice_not_found"
    assert not (gs.folder / "after").exists()


def test_status_of_a_big_directory_tells_every_change(owner, many):
    work = owner.at(owner.folder / "first")
    assert work.json("status")["changes"] == []
    (work.folder / "web/3/3.txt").write_bytes(b"changed, and longer\n")
    (work.folder / "web/29/29.txt").write_bytes(b"CONTENT 14\n")  # the same size
    (work.folder / "web/7/7.txt").unlink()
    (work.folder / "web/8/new.txt").write_bytes(b"new\n")
    (work.folder / "web/new").mkdir()
    (work.folder / "web/new/deep").mkdir()
    (work.folder / "web/new/deep/er").write_bytes(b"newer\n")
    told = {(change["op"], change["path"]) for change in work.json("status")["changes"]}
    assert told == {
        ("modify", "web/3/3.txt"),
        ("modify", "web/29/29.txt"),
        ("delete", "web/7/7.txt"),
        ("add", "web/8/new.txt"),
        ("add", "web/new/deep/er"),
    }
