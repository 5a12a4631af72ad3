"""Downloads of a slice as one file."""

from __future__ import annotations

import io
import subprocess
import tarfile
import zipfile

import pytest

from gitslice_core.archives import Item, gzip_chunks, tar_chunks, zip_chunks
from slices import archives
from slices.models import Commit
from tests.pages import Pages

LONG = "web/" + "long-folder-name/" * 12 + "é.txt"


@pytest.fixture
def web(world):
    slice = world.slice("web", "web/**", excludes=["web/secret/**"])
    world.land(slice, {"web/b/run.sh": b"#!/bin/sh\n", "web/a.txt": b"one\n"}, title="First")
    world.land(slice, world.edits(world.owner, {"web/b/run.sh": b"#!/bin/sh\n"}, mode="100755"))
    world.land(slice, world.edits(world.owner, {"web/b/link": b"../a.txt"}, mode="120000"))
    world.land(world.root, {"web/secret/x": b"hush", "other/y": b"y", LONG: b"", "web/b-c": b"c" * 70_000})
    return world.fresh(slice)


@pytest.fixture
def download(api):
    def ask(**query):
        return api().get("slices/acme/web/archive/", **query)

    return ask


def members(answer) -> list[tarfile.TarInfo]:
    assert answer.status_code == 200, answer.getvalue()
    return tarfile.open(fileobj=io.BytesIO(answer.getvalue()), mode="r:gz").getmembers()


def test_a_tar_has_the_files_in_order_and_nothing_else(world, web, download):
    answer = download()
    found = members(answer)
    folder = f"web-{web.head.hex[:12]}"
    wanted = ["web/a.txt", "web/b-c", "web/b/link", "web/b/run.sh", LONG]
    assert [member.name for member in found] == [f"{folder}/{path}" for path in wanted]
    assert [member.mode for member in found] == [0o644, 0o644, 0o777, 0o755, 0o644]
    assert (found[2].issym(), found[2].linkname) == (True, "../a.txt")
    assert {member.mtime for member in found} == {int(web.head.landed_at.timestamp())}
    assert answer["Content-Disposition"] == f"attachment; filename*=UTF-8''{folder}.tar.gz"
    assert answer["X-GitSlice-Commit"] == web.head.hex


def test_a_zip_has_the_same(web, download):
    answer = download(format="zip")
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as found:
        assert found.testzip() is None
        assert found.namelist() == [member.name for member in members(download())]
        modes = [info.external_attr >> 16 for info in found.infolist()]
        assert [oct(mode) for mode in modes] == ["0o100644", "0o100644", "0o120777", "0o100755", "0o100644"]
        assert found.read(found.namelist()[1]) == b"c" * 70_000


def test_the_same_commit_gives_the_same_bytes(web, download, monkeypatch):
    kinds = ("tar.gz", "zip")
    before = [download(format=kind).getvalue() for kind in kinds]
    monkeypatch.setattr(archives, "PAGE", 2)
    monkeypatch.setattr(archives, "BATCH_BYTES", 9)
    assert [download(format=kind).getvalue() for kind in kinds] == before


def test_a_folder_and_an_older_commit(web, download):
    first = Commit.objects.get(message="First")
    names = [member.name for member in members(download(path="web/b", commit=first.hex))]
    assert names == [f"web-{first.hex[:12]}/web/b/run.sh"]
    assert [member.name.partition("/")[2] for member in members(download(path="web/b"))] == [
        "web/b/link",
        "web/b/run.sh",
    ]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"path": "web/none"}, "path_not_found"),
        ({"path": "web/secret"}, "path_not_found"),
        ({"path": "other"}, "path_not_found"),
        ({"path": "../x"}, "invalid_path"),
        ({"format": "rar"}, "invalid_request"),
        ({"commit": "abcdef"}, "commit_not_found"),
    ],
)
def test_what_is_not_there(web, download, query, code):
    assert download(**query).json()["code"] == code


def test_it_is_known_again_by_its_tag(web, api):
    owner = api()
    tag = owner.get("slices/acme/web/archive/")["ETag"]
    again = owner.get("slices/acme/web/archive/", {"If-None-Match": tag})
    assert (again.status_code, again["ETag"]) == (304, tag)
    assert owner.get("slices/acme/web/archive/", {"If-None-Match": tag}, format="zip").status_code == 200


def test_pages_link_to_it(world, web, download):
    pages = Pages(world.owner)
    html = pages.get("/acme/slices/web/tree/web/b")
    assert 'href="/acme/slices/web/archive/?format=zip"' in html
    assert 'href="/acme/slices/web/archive/?format=tar.gz&amp;path=web/b"' in html
    response = pages.client.get("/acme/slices/web/archive/", {"format": "tar.gz", "path": "web/b"})
    assert response.getvalue() == download(path="web/b").getvalue()
    assert pages.status("/acme/slices/web/archive/", path="../x") == 404


def test_other_programs_read_them(tmp_path):
    items = [Item(f"top/{n}", "100644", 3, [b"%03d" % n]) for n in range(50)]
    items.append(Item("top/link", "120000", 1, [b"1"]))
    (tmp_path / "a.tgz").write_bytes(b"".join(gzip_chunks(tar_chunks(items, 1_700_000_000))))
    subprocess.run(["tar", "xzf", "a.tgz"], cwd=tmp_path, check=True)
    assert (tmp_path / "top/link").read_text() == "001"
    data = b"".join(zip_chunks(items, 0))
    assert zipfile.ZipFile(io.BytesIO(data)).infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)
