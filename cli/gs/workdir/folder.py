"""The rows of a folder that is no working directory; hashed by two threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from gs.errors import GsError
from gs.workdir.index import Row
from gs.workdir.scan import OWN, row_of


def folder_rows(folder: str) -> tuple[dict[str, Row], list[str]]:
    """Path -> row of all files and symlinks below `folder`, and the paths of what is neither."""
    names = list(_names(folder))
    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(lambda name: row_of(folder, name), names, chunksize=64))
    found = dict(zip(names, rows, strict=True))
    return {n: r for n, r in found.items() if r is not None}, [n for n, r in found.items() if r is None]


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
