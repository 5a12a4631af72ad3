"""`gs export archive` against a real server, and what it shares with `gs export dir --tar`."""

from __future__ import annotations

import tarfile
import zipfile

from people import Gs

from slices.models import Slice
from tests.world import World


def test_a_slice_is_downloaded_as_one_file(owner: Gs, web: Slice) -> None:
    data = owner.json("export", "archive", "web.zip", "--slice", "acme/web")
    folder = f"web-{data['commit'][:12]}"
    with zipfile.ZipFile(owner.folder / "web.zip") as found:
        assert found.namelist() == [f"{folder}/shared/s.txt", f"{folder}/web/a.txt"]
    owner.run("export", "archive", "part", "--slice", "acme/web", "--path", "web")
    with tarfile.open(owner.folder / "part") as found:
        assert found.getnames() == [f"{folder}/web/a.txt"]
    error = owner.json("export", "archive", "x.zip", "--slice", "acme/web", "--path", "no", code=1)
    assert error["error"]["code"] == "path_not_found"
    assert {path.name for path in owner.folder.iterdir()} - {"config"} == {"part", "web.zip"}


def test_it_says_of_files_what_an_export_says(owner: Gs, web: Slice, world: World) -> None:
    world.land(web, world.edits(world.owner, {"web/run": b"#!\n"}, mode="100755"))
    world.land(web, world.edits(world.owner, {"web/link": b"run"}, mode="120000"))
    owner.run("export", "archive", "made.tar.gz", "--slice", "acme/web", "--commit", "HEAD")
    owner.run("export", "dir", "--tar", "made.tar", "--slice", "acme/web", "--commit", "HEAD")
    said = []
    for name, skipped in (("made.tar.gz", 1), ("made.tar", 0)):
        with tarfile.open(owner.folder / name) as found:
            said.append(
                [
                    (m.name.split("/", skipped)[skipped], m.mode, m.mtime, m.type, m.linkname, m.size, m.uid)
                    for m in found.getmembers()
                ]
            )
    assert said[0] == said[1]
