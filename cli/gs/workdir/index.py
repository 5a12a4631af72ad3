"""The index: the entries of the base commit, with what `stat` said when each file was last known to equal its entry.

Format of `.gs/index`, little-endian: magic, count n, time of writing (ns); then columns of n values each: size (u64),
modification time (i64 ns), inode (u64), mode (u8, a place in MODES); n digests of 32 bytes; n paths, each ended by NUL.
A file whose size, time and inode are those of its row is unchanged, unless its time is not older than the index itself
(then it may have been written again within the clock's tick, and its content decides), as in git.
"""

from __future__ import annotations

import os

from gs.workdir.binding import write_atomically

MAGIC = b"GSINDEX1"
MODES = ("100644", "100755", "120000")


class Row:
    """One entry and its stat. `mtime` 0 means that the file was never known to equal the entry."""

    __slots__ = ("digest", "inode", "mode", "mtime", "size")

    def __init__(self, mode: str, digest: bytes, size: int, mtime: int = 0, inode: int = 0):
        self.mode = mode
        self.digest = digest
        self.size = size
        self.mtime = mtime
        self.inode = inode

    def same_entry(self, other: Row | None) -> bool:
        return other is not None and self.mode == other.mode and self.digest == other.digest


class Index:
    """Path -> row, and when it was written. Kept as columns until somebody wants rows: `gs status` seldom does."""

    __slots__ = ("_columns", "_paths", "_rows", "refreshed", "written")

    def __init__(self, rows: dict[str, Row] | None = None):
        self._rows: dict[str, Row] | None = rows if rows is not None else {}
        self._columns: tuple | None = None
        self._paths: dict[str, int] = {}
        self.written = 0
        self.refreshed = False  # whether stats were learned that are worth keeping

    @property
    def rows(self) -> dict[str, Row]:
        """All rows, to be read and changed."""
        if self._rows is None:
            assert self._columns is not None
            sizes, times, inodes, modes, digests = self._columns
            self._rows = {
                path: Row(MODES[modes[at]], digests[32 * at : 32 * at + 32], sizes[at], times[at], inodes[at])
                for path, at in self._paths.items()
            }
            self._columns = None
        return self._rows

    def columns(self) -> tuple:
        """(path -> place, sizes, times, inodes, modes), for loops that must be quick."""
        if self._columns is not None:
            return (self._paths, *self._columns[:4])
        rows = list(self.rows.values())
        return (
            {path: at for at, path in enumerate(self.rows)},
            [row.size for row in rows],
            [row.mtime for row in rows],
            [row.inode for row in rows],
            [MODES.index(row.mode) for row in rows],
        )

    def save(self, path: str) -> None:
        from array import array  # its import costs what a small status does
        from time import time_ns

        rows = sorted(self.rows.items())
        columns = (
            array("Q", [row.size for _, row in rows]),
            array("q", [row.mtime for _, row in rows]),
            array("Q", [row.inode for _, row in rows]),
            array("B", [MODES.index(row.mode) for _, row in rows]),
        )
        head = array("Q", [len(rows), time_ns()])
        parts = [MAGIC, head.tobytes(), *(column.tobytes() for column in columns)]
        parts += [
            b"".join([row.digest for _, row in rows]),
            "".join([f"{name}\0" for name, _ in rows]).encode(),
        ]
        write_atomically(path, b"".join(parts))


def load(path: str) -> Index:
    """The index at `path`; an empty one if there is none. Raises GsError `failed` for a damaged one."""
    index = Index()
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return index
    head = memoryview(data.ljust(24, b"\0"))[8:24].cast("Q")
    if data[:8] != MAGIC or len(data) < 24 + head[0] * 57:
        from gs.errors import GsError

        raise GsError("failed", f"{path} is damaged", "save your changes elsewhere and run: gs init --force")
    count, index.written = head
    sizes, times, inodes = (memoryview(data)[24 + at * 8 * count :][: 8 * count] for at in range(3))
    modes, rest = data[24 + 24 * count :][:count], data[24 + 25 * count :]
    digests, names = rest[: 32 * count], rest[32 * count :].decode().split("\0")[:-1]
    index._paths = dict(zip(names, range(count), strict=True))
    index._columns = (sizes.cast("Q"), times.cast("q"), inodes.cast("Q"), modes, digests)
    index._rows = None
    return index


def stat_of(row: Row, stat: os.stat_result) -> None:
    """Remember that the file with this stat equals the row's entry."""
    row.mtime, row.inode = stat.st_mtime_ns, stat.st_ino
