"""Fills a directory with the files of a manifest."""

from __future__ import annotations

from gs.transfer import fetch
from gs.workdir.files import Tree

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from gs.cache import Cache
    from gs.http import Api
    from gs.progress import Progress
    from gs.workdir.index import Row


def fill(
    api: Api,
    cache: Cache,
    address: str,
    commit: str,
    tree: Tree,
    rows: dict[str, Row],
    progress: Progress,
    *,
    everything: bool,
    fresh: bool,
) -> None:
    """Write all rows' files and remember their stat in the rows. `fresh`: nothing stands at the paths yet."""
    paths: dict[bytes, list[str]] = {}
    for path, row in rows.items():
        paths.setdefault(row.digest, []).append(path)
    put = tree.create if fresh else tree.write
    for digest, content in fetch(api, cache, address, commit, rows, everything):
        first, *others = paths[digest]
        if isinstance(content, bytes):
            for path in paths[digest]:
                _remember(rows[path], put(path, rows[path].mode, content))
                progress.advance(files=1, bytes=len(content))
            continue
        _remember(rows[first], tree.write_chunks(first, rows[first].mode, _counted(content, progress)))
        for path in others:
            _remember(rows[path], tree.copy(path, rows[path].mode, first))
        progress.advance(files=1 + len(others))


def _remember(row: Row, stat: os.stat_result) -> None:
    row.mtime, row.inode = stat.st_mtime_ns, stat.st_ino


def _counted(chunks: Iterable[bytes], progress: Progress) -> Iterator[bytes]:
    for chunk in chunks:
        progress.advance(bytes=len(chunk))
        yield chunk
