"""The rows of a folder that is no working directory; hashed by two processes where that pays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from marshal import dumps, loads

from gs.errors import GsError
from gs.workdir import beside
from gs.workdir.index import Row
from gs.workdir.scan import OWN, row_of


def folder_rows(folder: str) -> tuple[dict[str, Row], list[str]]:
    """Path -> row of all files and symlinks below `folder`, and the paths of what is neither."""
    names = list(_names(folder))
    found = dict(zip(names, _rows(folder, names), strict=True))
    return {n: r for n, r in found.items() if r is not None}, [n for n, r in found.items() if r is None]


def _rows(folder: str, names: list[str]) -> list[Row | None]:
    if not beside.pays(len(names)):
        return [row_of(folder, name) for name in names]
    half = len(names) // 2
    wait = beside.start(lambda: dumps([_told(row_of(folder, name)) for name in names[half:]]))
    try:
        first = [row_of(folder, name) for name in names[:half]]
    finally:
        answer = wait()
    if answer is None:
        return first + [row_of(folder, name) for name in names[half:]]
    return first + [Row(*told) if told else None for told in loads(answer)]


def _told(row: Row | None) -> tuple | None:
    """What a second process tells of a row: the arguments that make it."""
    return (row.mode, row.digest, row.size, row.mtime, row.inode) if row else None


def _names(folder: str) -> Iterator[str]:
    folders = [""]
    while folders:
        inner = folders.pop()
        with os.scandir(os.path.join(folder, inner)) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                _check_text(inner + entry.name)
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in OWN:
                        folders.append(f"{inner}{entry.name}/")
                else:
                    yield inner + entry.name


def _check_text(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise GsError(
            "invalid_path", f"the name {os.fsencode(name)!r} is not UTF-8", "rename it, then try again"
        ) from None
