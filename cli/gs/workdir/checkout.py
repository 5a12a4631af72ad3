"""Fills a directory with the files of a manifest."""

from __future__ import annotations

from array import array

from gs.transfer import fetch
from gs.workdir import beside
from gs.workdir.files import Tree

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from gs.cache import Cache, Place
    from gs.forwarding import Forward
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
    """Write all rows' files and remember their stat in the rows. `fresh`: nothing stands at the paths yet. A second
    process writes half of a fresh directory's files."""
    cached = cache.find({row.digest for row in rows.values()})
    second = _second_half(cached) if fresh else {}
    for digest in second:
        del cached[digest]
    half = {path: row for path, row in rows.items() if row.digest in second}
    own = {path: row for path, row in rows.items() if row.digest not in second} if half else rows
    wait = beside.start(lambda: _write_cached(cache, second, tree, half)) if half else None
    forward = (
        _forward(tree, rows, progress)
        if fresh and not half and beside.pays(len(rows) - len(cached))
        else None
    )
    contents = fetch(api, cache, address, commit, own, everything and not half, cached, forward)
    try:
        _write_fetched(contents, tree, own, progress, fresh)
    finally:
        stats = wait() if wait else forward.finish() if forward else None
    if forward:
        half = _rows_of(forward.sent, rows)
    if half:
        left = _remember_all(half, stats)
        if second:
            progress.advance(
                files=len(half) - len(left),
                bytes=sum(row.size for path, row in half.items() if path not in left),
            )
        _write_fetched(fetch(api, cache, address, commit, left), tree, left, progress, fresh=False)


def _forward(tree: Tree, rows: dict[str, Row], progress: Progress) -> Forward:
    from gs.forwarding import Forward

    return Forward(lambda source: _write_sent(source, tree, rows), progress)


def _write_sent(source: BinaryIO, tree: Tree, rows: dict[str, Row]) -> bytes:
    """Create the files of the blobs of a pack; gives the stats of their rows, in order."""
    from gitslice_core.packs import PackReader

    paths = _paths_by_digest(rows)
    sent: list[bytes] = []
    reader = PackReader(source)
    for blob in reader:
        content = reader.content(blob)
        sent.append(blob.digest)
        for path in paths[blob.digest]:
            _remember(rows[path], tree.create(path, rows[path].mode, content))
    return _stats(_rows_of(sent, rows))


def _rows_of(digests: list[bytes], rows: dict[str, Row]) -> dict[str, Row]:
    paths = _paths_by_digest(rows)
    return {path: rows[path] for digest in digests for path in paths[digest]}


def _second_half(cached: dict[bytes, Place]) -> dict[bytes, Place]:
    """The later half, in the order of storage, of the small cached blobs; nothing if those are few."""
    from gitslice_core.packs import WHOLE_BYTES

    small = [item for item in cached.items() if item[1].size <= WHOLE_BYTES]
    if not beside.pays(len(small)):
        return {}
    small.sort(key=lambda item: (item[1].pack, item[1].offset))
    return dict(small[len(small) // 2 :])


def _write_cached(cache: Cache, places: dict[bytes, Place], tree: Tree, rows: dict[str, Row]) -> bytes:
    """Create the files from the cache; gives modification time and inode of each row, 0 for those it did not write."""
    paths = _paths_by_digest(rows)
    for digest, content in cache.read(places):
        for path in paths[digest]:
            _remember(rows[path], tree.create(path, rows[path].mode, content))
    return _stats(rows)


def _stats(rows: dict[str, Row]) -> bytes:
    return array("Q", [number for row in rows.values() for number in (row.mtime, row.inode)]).tobytes()


def _remember_all(rows: dict[str, Row], stats: bytes | None) -> dict[str, Row]:
    """Take over the stats that a second process told; gives the rows that it did not write."""
    numbers = array("Q")
    numbers.frombytes(stats or bytes(16 * len(rows)))
    left = {}
    for place, (path, row) in enumerate(rows.items()):
        row.mtime, row.inode = numbers[2 * place], numbers[2 * place + 1]
        if not row.inode:
            left[path] = row
    return left


def _paths_by_digest(rows: dict[str, Row]) -> dict[bytes, list[str]]:
    paths: dict[bytes, list[str]] = {}
    for path, row in rows.items():
        paths.setdefault(row.digest, []).append(path)
    return paths


def _write_fetched(
    contents: Iterable[tuple[bytes, bytes | Iterator[bytes]]],
    tree: Tree,
    rows: dict[str, Row],
    progress: Progress,
    fresh: bool,
) -> None:
    paths = _paths_by_digest(rows)
    put = tree.create if fresh else tree.write
    for digest, content in contents:
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
