"""The object cache that all directories of this user share: packs as they were received, each with an index.

`$GITSLICE_CONFIG_DIR/cache/` holds pairs NAME.pack and NAME.index; the index has a row for every blob, sorted by
digest: digest (32 bytes), offset, length, size, dictionary offset (u64) and dictionary length (u32), little-endian.
Both are written under other names and renamed, the index last, so processes never see half of one. What is read is
verified; a damaged pack is dropped. Above its size limit the packs that were used longest ago go first.
NAME.manifest holds the manifest that a server sent last for a slice: the SHA-256 of the rest, a line with the ETag, then
the manifest. It is asked for again with that ETag every time.
"""

from __future__ import annotations

import os
import struct

from gs import config

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

LIMIT = 10 << 30  # bytes that the packs may take together
MANIFESTS = 50  # that are kept
ROW = struct.Struct("<32sQQQQI")


class Place:
    """Where a cached blob lies."""

    __slots__ = ("dictionary", "length", "offset", "pack", "size")

    def __init__(self, pack: str, offset: int, length: int, size: int, dictionary: tuple[int, int] | None):
        self.pack = pack
        self.offset = offset
        self.length = length
        self.size = size
        self.dictionary = dictionary


class Cache:
    def __init__(self, folder: str | None = None, limit: int = LIMIT):
        self.folder = folder or os.path.join(config.directory(), "cache")
        self.limit = limit

    def find(self, digests: Collection[bytes]) -> dict[bytes, Place]:
        """Where those of the blobs lie that are cached."""
        wanted = set(digests)
        found: dict[bytes, Place] = {}
        for name in self._names():
            if not wanted:
                break
            self._find_in(name, wanted, found)
        return found

    def read(self, places: dict[bytes, Place]) -> Iterator[tuple[bytes, bytes]]:
        """(digest, verified content) of cached blobs, in the order of storage. Damaged ones are left out, and their
        pack is dropped."""
        from hashlib import sha256

        from gitslice_core.packs import PackError, expander

        by_pack: dict[str, list[tuple[int, bytes, Place]]] = {}
        for digest, place in places.items():
            by_pack.setdefault(place.pack, []).append((place.offset, digest, place))
        for name, blobs in by_pack.items():
            try:
                file = open(self._file(name, "pack"), "rb")  # noqa: SIM115
            except FileNotFoundError:
                continue
            with file:
                os.utime(file.fileno())
                expand = None
                for _, digest, place in sorted(blobs, key=lambda blob: blob[0]):
                    try:
                        expand = expand or expander(_at(file, *place.dictionary) if place.dictionary else b"")
                        content = expand(_at(file, place.offset, place.length), place.size)
                    except PackError:
                        content = b""
                    if sha256(content).digest() != digest:
                        self.drop(name)
                        break
                    yield digest, content

    def open(self, place: Place) -> Iterator[bytes]:
        """One cached blob in chunks, for contents too big for memory. The caller verifies."""
        from gitslice_core.packs import chunk_expander

        with open(self._file(place.pack, "pack"), "rb") as file:
            frame = _at(file, *place.dictionary) if place.dictionary else b""
            yield from chunk_expander(file, place.offset, place.length, frame)

    def manifest(self, name: str) -> tuple[str | None, bytes]:
        """ETag and text of the manifest that was kept under this name; (None, b"") if there is none, or a damaged one."""
        from hashlib import sha256

        try:
            with open(self._manifest_file(name), "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return None, b""
        if sha256(data[32:]).digest() != data[:32]:
            return None, b""
        etag, _, text = data[32:].partition(b"\n")
        return etag.decode(), text

    def keep_manifest(self, name: str, etag: str, text: bytes) -> None:
        from hashlib import sha256

        from gs.workdir.binding import write_atomically

        os.makedirs(self.folder, exist_ok=True)
        data = etag.encode() + b"\n" + text
        write_atomically(self._manifest_file(name), sha256(data).digest() + data)
        kept = sorted(self._files(".manifest"), key=_last_change)
        for file in kept[:-MANIFESTS]:
            with _missing_is_fine():
                os.unlink(file)

    def writer(self) -> Incoming:
        """Takes a pack that is being received or sent."""
        return Incoming(self)

    def drop(self, name: str) -> None:
        for kind in ("index", "pack"):
            with _missing_is_fine():
                os.unlink(self._file(name, kind))

    def clear(self) -> tuple[int, int]:
        """Drop everything; gives packs and bytes."""
        names = list(self._names())
        size = sum(self._size(name) for name in names)
        for name in names:
            self.drop(name)
        for file in self._files(".manifest"):
            with _missing_is_fine():
                os.unlink(file)
        return len(names), size

    def stats(self) -> dict:
        names = list(self._names())
        blobs = sum(os.path.getsize(self._file(name, "index")) // ROW.size for name in names)
        return {
            "packs": len(names),
            "blobs": blobs,
            "bytes": sum(map(self._size, names)),
            "limit": self.limit,
        }

    def verify(self) -> tuple[int, list[str]]:
        """Read every blob; gives how many are sound, and the names of damaged packs, which are dropped."""
        sound, damaged = 0, []
        for name in list(self._names()):
            places: dict[bytes, Place] = {}
            for at in range(0, os.path.getsize(self._file(name, "index")), ROW.size):
                digest, place = self._row(name, self._index(name)[at : at + ROW.size])
                places[digest] = place
            read = sum(1 for _ in self.read(places))
            sound += read
            if read < len(places):
                self.drop(name)
                damaged.append(name)
        return sound, damaged

    def prune(self) -> None:
        """Keep within the limit."""
        sizes = {name: self._size(name) for name in self._names()}
        total = sum(sizes.values())
        if total <= self.limit:
            return
        for name in sorted(sizes, key=lambda name: _last_change(self._file(name, "pack"))):
            self.drop(name)
            total -= sizes[name]
            if total <= self.limit:
                return

    def _find_in(self, name: str, wanted: set[bytes], found: dict[bytes, Place]) -> None:
        data = self._index(name)
        count = len(data) // ROW.size
        if count > 50 * len(wanted):
            rows = [row for digest in wanted if (row := _search(data, count, digest)) is not None]
        else:
            rows = [at for at in range(0, len(data), ROW.size) if data[at : at + 32] in wanted]
        for at in rows:
            digest, place = self._row(name, data[at : at + ROW.size])
            if digest in wanted:
                found[digest] = place
                wanted.discard(digest)

    def _row(self, name: str, row: bytes) -> tuple[bytes, Place]:
        digest, offset, length, size, dictionary, dictionary_length = ROW.unpack(row)
        span = (dictionary, dictionary_length) if dictionary_length else None
        return digest, Place(name, offset, length, size, span)

    def _index(self, name: str) -> bytes:
        try:
            with open(self._file(name, "index"), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def _names(self) -> list[str]:
        return [os.path.basename(file)[:-6] for file in self._files(".index")]

    def _files(self, ending: str) -> list[str]:
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return [os.path.join(self.folder, name) for name in names if name.endswith(ending)]

    def _manifest_file(self, name: str) -> str:
        from hashlib import sha256

        return os.path.join(self.folder, sha256(name.encode()).hexdigest()[:32] + ".manifest")

    def _file(self, name: str, kind: str) -> str:
        return os.path.join(self.folder, f"{name}.{kind}")

    def _size(self, name: str) -> int:
        try:
            return os.path.getsize(self._file(name, "pack"))
        except FileNotFoundError:
            return 0


class Incoming:
    """A pack on its way into the cache: give it bytes with `write`, blobs with `add`, then `keep` or `close`."""

    def __init__(self, cache: Cache):
        self._cache = cache
        os.makedirs(cache.folder, exist_ok=True)
        self._name = os.urandom(12).hex()
        self._path = os.path.join(cache.folder, self._name + ".incoming")
        self._file: BinaryIO = open(self._path, "wb", buffering=1 << 20)  # noqa: SIM115
        self._rows: list[bytes] = []

    def write(self, data: bytes) -> int:
        return self._file.write(data)

    def add(
        self, digest: bytes, offset: int, length: int, size: int, dictionary: tuple[int, int] | None
    ) -> None:
        """A blob of the pack. Whoever reads it from the cache verifies it."""
        self._rows.append(ROW.pack(digest, offset, length, size, *(dictionary or (0, 0))))

    def keep(self) -> None:
        """Make the blobs added so far part of the cache."""
        self._file.close()
        if not self._rows:
            os.unlink(self._path)
            return
        final = os.path.join(self._cache.folder, self._name)
        os.replace(self._path, final + ".pack")
        with open(self._path, "wb") as file:
            file.write(b"".join(sorted(self._rows)))
        os.replace(self._path, final + ".index")
        self._cache.prune()

    def close(self) -> None:
        """Drop it, unless it was kept."""
        self._file.close()
        with _missing_is_fine():
            os.unlink(self._path)


def _last_change(file: str) -> float:
    try:
        return os.path.getmtime(file)
    except FileNotFoundError:
        return 0


def _search(data: bytes, count: int, digest: bytes) -> int | None:
    """The byte where the row of `digest` begins."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if data[middle * ROW.size : middle * ROW.size + 32] < digest:
            low = middle + 1
        else:
            high = middle
    at = low * ROW.size
    return at if data[at : at + 32] == digest else None


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    return os.pread(file.fileno(), length, offset)


def _missing_is_fine() -> AbstractContextManager[None]:
    from contextlib import suppress

    return suppress(FileNotFoundError)
