"""Archives of files, made piece by piece: tar (POSIX, PAX) and zip. The same files give the same bytes."""

from __future__ import annotations

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import IO, NamedTuple, cast

EXECUTABLE, SYMLINK = "100755", "120000"
LEVEL = 6
CHUNK = 256 << 10
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)  # that a zip can tell


class Item(NamedTuple):
    """A file or symlink (its content is the target) with its path in the archive."""

    path: str
    mode: str
    size: int  # bytes of the content
    chunks: Iterable[bytes]


def permissions(mode: str) -> int:
    """The permission bits of an entry, whatever anybody's umask."""
    return 0o777 if mode == SYMLINK else 0o755 if mode == EXECUTABLE else 0o644


def tar_member(path: str, mode: str, size: int, seconds: int, target: str = "") -> tarfile.TarInfo:
    """What a tar says of an entry: it has the given time (Unix) and is nobody's."""
    member = tarfile.TarInfo(path)
    member.mtime, member.mode = seconds, permissions(mode)
    if mode == SYMLINK:
        member.type, member.linkname = tarfile.SYMTYPE, target
    else:
        member.size = size
    return member


def tar_chunks(items: Iterable[Item], seconds: int) -> Iterator[bytes]:
    """A tar of the items in their order."""
    total = 0
    for item in items:
        for chunk in _tarred(item, seconds):
            total += len(chunk)
            yield chunk
    end = 2 * tarfile.BLOCKSIZE
    yield bytes(end + -(total + end) % tarfile.RECORDSIZE)


def gzip_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Compressed, without a name or time of its own."""
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for chunk in chunks:
        if made := compressor.compress(chunk):
            yield made
    yield compressor.flush()


def zip_chunks(items: Iterable[Item], seconds: int) -> Iterator[bytes]:
    """A zip of the items in their order; times are in UTC, and even seconds."""
    sink = _Sink()
    moment = max(datetime.fromtimestamp(seconds, UTC), EARLIEST).timetuple()[:6]
    with zipfile.ZipFile(cast("IO[bytes]", sink), "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for item in items:
            with archive.open(_zip_member(item, moment), "w") as member:
                for chunk in item.chunks:
                    member.write(chunk)
                    if sink.size >= CHUNK:
                        yield sink.take()
    yield sink.take()


def _tarred(item: Item, seconds: int) -> Iterator[bytes]:
    target = b"".join(item.chunks).decode(errors="surrogateescape") if item.mode == SYMLINK else ""
    member = tar_member(item.path, item.mode, item.size, seconds, target)
    yield member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    if item.mode != SYMLINK:
        yield from item.chunks
        yield bytes(-item.size % tarfile.BLOCKSIZE)


def _zip_member(item: Item, moment: tuple[int, ...]) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(item.path, cast("tuple[int, int, int, int, int, int]", moment))
    kind = stat.S_IFLNK if item.mode == SYMLINK else stat.S_IFREG
    member.create_system = 3  # Unix, whose modes follow
    member.external_attr = (kind | permissions(item.mode)) << 16
    member.compress_type, member.file_size = zipfile.ZIP_DEFLATED, item.size
    return member


class _Sink:
    """What was written and not yet taken. It has no position, so that nothing that was written is changed later."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts, self.size = [], 0
        return taken
