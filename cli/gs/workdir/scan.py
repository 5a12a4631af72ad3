"""Finds what differs from the index: few operations a file, content read only where `stat` cannot tell."""

from __future__ import annotations

import os
from marshal import dumps, loads

from gs.workdir import beside
from gs.workdir.index import MODES, Index, Row

OWN = (".gs", ".git")
CHUNK = 1 << 20
AT_ONCE = 16  # folders to share with a second process

KIND_BITS = 0o170100  # of a stat's mode: the type of file, and whether its owner may execute it
KINDS = {0o100000: 0, 0o100100: 1, 0o120000: 2, 0o120100: 2}  # -> place in MODES
OTHER = 3  # neither a file nor a symlink


class Change:
    """`op` is add, modify, delete or chmod; `old` and `new` are rows, None where nothing stands."""

    __slots__ = ("new", "old", "op", "path", "renamed_from")

    def __init__(self, path: str, op: str, old: Row | None, new: Row | None, renamed_from: str | None = None):
        self.path = path
        self.op = op
        self.old = old
        self.new = new
        self.renamed_from = renamed_from


def scan(root: str, index: Index) -> list[Change]:
    """The changes of a working directory, by path. Files that the ignore files name count only if they are indexed."""
    suspects, untracked, seen = _walk(root, index)
    changes = []
    for path in suspects:
        old = index.rows[path]
        change = _compare(root, path, old)
        if change is None:
            index.refreshed = True
        else:
            changes.append(change)
    if untracked:
        changes += [_added(root, path) for path in _not_ignored(root, untracked)]
    if seen is not None:
        changes += [Change(path, "delete", row, None) for path, row in index.rows.items() if path not in seen]
    return sorted(changes, key=lambda change: change.path)


def _walk(root: str, index: Index) -> tuple[list[str], list[str], set[str] | None]:
    """Indexed paths whose stat is not the index's, paths that are not indexed, and the indexed paths that stand (None:
    all of them do)."""
    columns, written = index.columns(), index.written
    count = len(columns[0])
    if beside.pays(count):
        suspects, untracked, seen = _look(root, columns, written, folders := [""], until=AT_ONCE)
        wait = beside.start(lambda: _told(_look(root, columns, written, folders[::2])))
        mine = _look(root, columns, written, folders[1::2])
        answer = wait()
        if answer is not None:
            theirs = loads(answer)
            if len(seen) + len(mine[2]) + theirs[2] == count:
                return suspects + mine[0] + theirs[0], untracked + mine[1] + theirs[1], None
    suspects, untracked, seen = _look(root, columns, written, [""])
    return suspects, untracked, None if len(seen) == count else seen


def _told(found: tuple[list[str], list[str], set[str]]) -> bytes:
    """What a second process tells: how many paths it saw, not which."""
    return dumps((found[0], found[1], len(found[2])))


def _look(
    root: str, columns: tuple, written: int, folders: list[str], until: int = 0
) -> tuple[list[str], list[str], set[str]]:
    """Walk the folders (each ends with `/`) and what is below them; with `until` only as long as fewer than that many
    wait in `folders`."""
    paths, sizes, times, inodes, modes = columns
    kinds = KINDS.get
    suspects: list[str] = []
    untracked: list[str] = []
    seen: set[str] = set()
    see = seen.add
    while folders and not 0 < until <= len(folders):
        folder = folders.pop()
        with os.scandir(root + "/" + folder if folder else root) as entries:
            for entry in entries:
                name = entry.name
                path = folder + name
                if entry.is_dir(follow_symlinks=False):
                    if name not in OWN:
                        folders.append(path + "/")
                    continue
                at = paths.get(path)
                if at is None:
                    untracked.append(path)
                    continue
                see(path)
                stat = entry.stat(follow_symlinks=False)
                time = stat.st_mtime_ns
                if (
                    time != times[at]
                    or stat.st_size != sizes[at]
                    or stat.st_ino != inodes[at]
                    or time >= written
                    or kinds(stat.st_mode & KIND_BITS, OTHER) != modes[at]
                ):
                    suspects.append(path)
    return suspects, untracked, seen


def _mode(mode: int) -> int:
    """The place in MODES; OTHER for what is neither a file nor a symlink."""
    return KINDS.get(mode & KIND_BITS, OTHER)


def _compare(root: str, path: str, old: Row) -> Change | None:
    new = row_of(root, path)
    if new is None:
        return Change(path, "delete", old, None)
    if new.digest == old.digest:
        if new.mode == old.mode:
            old.mtime, old.inode = new.mtime, new.inode
            return None
        return Change(path, "chmod", old, new)
    return Change(path, "modify", old, new)


def _added(root: str, path: str) -> Change:
    row = row_of(root, path)
    return Change(path, "add", None, row)


def row_of(root: str, path: str) -> Row | None:
    """The row of what stands at a path now, content hashed; None for nothing, a folder or a special file."""
    name = os.path.join(root, path)
    try:
        stat = os.lstat(name)
    except (FileNotFoundError, NotADirectoryError):
        return None
    kind = _mode(stat.st_mode)
    if kind == OTHER:
        return None
    digest, size = _digest_of_link(name) if kind == 2 else _digest_of_file(name)
    return Row(MODES[kind], digest, size, stat.st_mtime_ns, stat.st_ino)


def _digest_of_link(name: str) -> tuple[bytes, int]:
    from hashlib import sha256

    target = os.fsencode(os.readlink(name))
    return sha256(target).digest(), len(target)


def _digest_of_file(name: str) -> tuple[bytes, int]:
    from hashlib import sha256

    digest = sha256()
    size = 0
    with open(name, "rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.digest(), size


def _not_ignored(root: str, paths: list[str]) -> list[str]:
    from gs.workdir.ignore import Ignore

    ignore = Ignore(root)
    kept = []
    for path in paths:
        if ignore.ignores(path):
            continue
        if _mode(os.lstat(os.path.join(root, path)).st_mode) == OTHER:
            continue
        kept.append(path)
    return kept


def renamed(changes: list[Change]) -> list[Change]:
    """The same changes with an add and a delete of equal content, one each, told as a rename."""
    gone: dict[bytes, list[Change]] = {}
    came: dict[bytes, list[Change]] = {}
    for change in changes:
        if change.op == "delete" and change.old is not None and change.old.size:
            gone.setdefault(change.old.digest, []).append(change)
        elif change.op == "add" and change.new is not None and change.new.size:
            came.setdefault(change.new.digest, []).append(change)
    dropped = set()
    told = {}
    for digest, deletes in gone.items():
        adds = came.get(digest, [])
        if len(deletes) == 1 and len(adds) == 1:
            dropped.add(deletes[0].path)
            told[adds[0].path] = Change(adds[0].path, "rename", deletes[0].old, adds[0].new, deletes[0].path)
    return [
        told.get(change.path, change)
        for change in changes
        if change.path not in dropped or change.op != "delete"
    ]
