"""Writing into a directory, and nowhere else."""

from __future__ import annotations

import os

import pytest

from gs.errors import GsError
from gs.workdir.files import Tree, check_paths


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", ".gs/state", "a/.GS/x", "", "a//b"])
def test_paths_that_a_server_must_not_send_are_refused(tmp_path, path):
    with pytest.raises(GsError):
        check_paths(str(tmp_path), ["good", path])


def test_a_file_is_no_folder(tmp_path):
    with pytest.raises(GsError):
        check_paths(str(tmp_path), ["a", "a/b"])
    check_paths(str(tmp_path), ["a-b", "a/b", "ab"])


def test_names_that_differ_by_case_need_a_file_system_that_tells_them_apart(tmp_path):
    check_paths(str(tmp_path), ["Read.me", "read.me"])
    (tmp_path / ".gs").mkdir()
    (tmp_path / ".GS").mkdir()  # what a file system shows that cannot tell case apart
    with pytest.raises(GsError, match=r"Read\.me and read\.me differ only by case"):
        check_paths(str(tmp_path), ["Read.me", "read.me"])
    check_paths(str(tmp_path), ["one", "two"])


def test_nothing_is_written_through_a_symlink(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    tree = Tree(str(tmp_path / "root"))
    for write in (tree.write, tree.create):
        with pytest.raises(GsError):
            write("link/file", "100644", b"x")
    tree.delete("link/file")
    assert os.listdir(tmp_path / "outside") == []
    (tmp_path / "outside" / "target").write_bytes(b"kept")
    (tmp_path / "root" / "file").symlink_to(tmp_path / "outside" / "target")
    tree.write("file", "100644", b"new")
    assert (tmp_path / "outside" / "target").read_bytes() == b"kept"
    assert (tmp_path / "root" / "file").read_bytes() == b"new"


def test_a_server_cannot_plant_a_symlink_and_write_behind_it(tmp_path):
    tree = Tree(str(tmp_path))
    tree.write("link", "120000", b"/tmp")
    with pytest.raises(GsError):
        tree.write("link/file", "100644", b"x")


def test_empty_folders_go_with_their_last_file(tmp_path):
    tree = Tree(str(tmp_path))
    tree.write("a/b/c", "100644", b"x")
    tree.write("a/d", "100755", b"y")
    tree.delete("a/b/c")
    assert sorted(os.listdir(tmp_path / "a")) == ["d"]
    assert os.access(tmp_path / "a" / "d", os.X_OK)
    tree.delete("a/d")
    assert os.listdir(tmp_path) == []


def test_what_fails_midway_leaves_nothing(tmp_path):
    def broken():
        yield b"half"
        raise OSError("gone")

    tree = Tree(str(tmp_path))
    with pytest.raises(OSError, match="gone"):
        tree.write_chunks("file", "100644", broken())
    assert os.listdir(tmp_path) == []
