"""Bringing local edits and landed changes of one path together."""

from __future__ import annotations

import os

from gs.workdir.binding import write_atomically
from gs.workdir.scan import row_of

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Callable

    from gs.workdir.binding import Binding
    from gs.workdir.files import Tree
    from gs.workdir.index import Row

    Contents = Callable[[Row], bytes]

LIMIT = 10 << 20  # bytes above which a file is not merged by lines


class Journal:
    """`.gs/merged`: digests of merged files, written before the files, so that a pull that was killed and runs again
    does not merge what it merged already."""

    def __init__(self, binding: Binding):
        self._path = binding.own("merged")
        try:
            with open(self._path, encoding="utf-8") as file:
                self._lines = dict(line.split(" ", 1)[::-1] for line in file.read().splitlines())
        except FileNotFoundError:
            self._lines = {}

    def holds(self, path: str, digest: bytes) -> bool:
        return self._lines.get(path) == digest.hex()

    def add(self, path: str, content: bytes) -> None:
        from hashlib import sha256

        self._lines[path] = sha256(content).hexdigest()
        write_atomically(self._path, "".join(f"{d} {p}\n" for p, d in self._lines.items()).encode())

    def forget(self) -> None:
        if os.path.exists(self._path):
            os.unlink(self._path)


def merge_path(
    tree: Tree, path: str, base: Row | None, theirs: Row | None, contents: Contents, journal: Journal
) -> str:
    """Make of the local file and `theirs` one; `contents` gives the bytes of a row of the server's.

    Gives `same` (nothing to do), `merged`, `text` (written with conflict markers) or `kept` (the local file stays as
    it is, a person must choose).
    """
    local = row_of(tree.root, path)
    if local is not None and journal.holds(path, local.digest):
        from gitslice_core.merge import has_markers

        with open(os.path.join(tree.root, path), "rb") as file:
            return "text" if has_markers(file.read()) else "merged"
    if local is None and theirs is None:
        return "same"
    if local is not None and local.same_entry(theirs):
        return "same"
    if local is None or theirs is None:
        return "kept"
    mode = local.mode if base is None or local.mode != base.mode else theirs.mode
    if "120000" in (local.mode, theirs.mode):
        return "kept"
    if base is not None and local.digest == base.digest:
        tree.write(path, mode, contents(theirs))
        return "merged"
    if theirs.digest == local.digest or (base is not None and theirs.digest == base.digest):
        tree.set_mode(path, mode)
        return "merged"
    return _merge_texts(tree, path, mode, base, local, theirs, contents, journal)


def _merge_texts(
    tree: Tree,
    path: str,
    mode: str,
    base: Row | None,
    local: Row,
    theirs: Row,
    contents: Contents,
    journal: Journal,
) -> str:
    from gitslice_core.diff import is_binary
    from gitslice_core.merge import mark, merge

    if max(row.size for row in (base, local, theirs) if row is not None) > LIMIT:
        return "kept"
    with open(os.path.join(tree.root, path), "rb") as file:
        mine = file.read()
    other = contents(theirs)
    old = contents(base) if base is not None else b""
    if any(map(is_binary, (old, mine, other))):
        return "kept"
    result = merge(old, mine, other)
    text = result.content if result.content is not None else mark(result, "yours", "theirs")
    journal.add(path, text)
    tree.write(path, mode, text)
    return "merged" if result.clean else "text"
