"""The pack format, for upload, storage and download alike; docs/objects.md shows it byte by byte."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple, Protocol, cast

import zstandard

MAGIC = b"GSPACK\x00\x01"
DICTIONARY, BLOB, END = b"D", b"B", b"E"
LEVEL = 5  # 9 takes twice the time for 7 % fewer bytes
DICTIONARY_BYTES = 112 << 10
MIN_TRAINING_BYTES = 256 << 10
MAX_TRAINING_BYTES = 4 << 20  # four times as much takes six times as long and saves nothing
SAMPLE_BYTES = 16 << 10
CHUNK = 1 << 20
WHOLE_BYTES = 4 << 20  # blobs up to this size are handled in one piece
WINDOW_BYTES = 8 << 20  # memory that a frame may ask of whoever decompresses it piece by piece

_blob_head = struct.Struct(">32sQQ")
_u32 = struct.Struct(">I")
_u64 = struct.Struct(">Q")


class PackError(Exception):
    """The pack is truncated, damaged, or says of a blob what is not so."""


class Readable(Protocol):
    """All that is asked of a source."""

    def read(self, size: int, /) -> bytes: ...


class Blob(NamedTuple):
    """What a pack says of one blob: `length` bytes of frame at `offset` hold `size` bytes of content."""

    digest: bytes
    size: int
    offset: int
    length: int


def git_blob_id(size: int) -> hashlib._Hash:
    """A hash that, fed with the content, gives the id git knows it by."""
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


def train(samples: Sequence[bytes]) -> bytes | None:
    """A dictionary for contents like these; None when they are too few to gain from one."""
    chosen: list[bytes | bytearray | memoryview] = []
    total = 0
    step = max(1, sum(min(len(sample), SAMPLE_BYTES) for sample in samples) // MAX_TRAINING_BYTES)
    for sample in samples[::step]:
        chosen.append(sample[:SAMPLE_BYTES])
        total += len(chosen[-1])
    if total < MIN_TRAINING_BYTES or len(chosen) < 16:
        return None
    size = min(DICTIONARY_BYTES, total // 8)
    try:
        return zstandard.train_dictionary(size, chosen, d=8, k=1024, f=20, accel=4, level=LEVEL).as_bytes()
    except zstandard.ZstdError:  # the samples have nothing in common
        return None


def dictionary_record(frame: bytes) -> bytes:
    """The record that puts a dictionary in force, given as its compressed frame; empty for none."""
    return DICTIONARY + _u32.pack(len(frame)) + frame


def blob_record(digest: bytes, size: int, length: int) -> bytes:
    """The head of a blob's record; its frame follows."""
    return BLOB + _blob_head.pack(digest, size, length)


def end_record(count: int) -> bytes:
    return END + _u64.pack(count)


class Compressor:
    """Makes frames with a dictionary, or without. One for each thread."""

    def __init__(self, dictionary: bytes | None = None, level: int = LEVEL) -> None:
        shared = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        if shared:
            shared.precompute_compress(level=level)
        self._level = level
        self._small = zstandard.ZstdCompressor(
            level=level, dict_data=shared, write_checksum=False, write_dict_id=False
        )

    def frame(self, content: bytes) -> bytes:
        return self._small.compress(content)

    def copy(self, source: Any, size: int, target: BinaryIO) -> int:
        """Compress `size` bytes of `source` into `target` piece by piece; gives the frame's length."""
        return self._small.copy_stream(source, target, size=size, read_size=CHUNK, write_size=CHUNK)[1]


class PackWriter:
    """Writes one pack into a file. Blobs above WHOLE_BYTES need a file that can seek."""

    def __init__(self, file: BinaryIO, dictionary: bytes | None = None, level: int = LEVEL) -> None:
        self._file = file
        self._count = 0
        self.compressor = Compressor(dictionary, level)
        file.write(MAGIC)
        if dictionary:
            frame = zstandard.ZstdCompressor(level=19).compress(dictionary)
            file.write(dictionary_record(frame))

    def add(self, content: bytes) -> bytes:
        """Add a blob; gives its digest."""
        digest = hashlib.sha256(content).digest()
        self.add_frame(digest, len(content), self.compressor.frame(content))
        return digest

    def add_frame(self, digest: bytes, size: int, frame: bytes) -> None:
        """Add a blob that was compressed already, with this pack's dictionary."""
        self._file.write(blob_record(digest, size, len(frame)))
        self._file.write(frame)
        self._count += 1

    def add_stream(self, source: BinaryIO, size: int) -> bytes:
        """Add a big blob piece by piece; gives its digest. Raises PackError if `source` is not `size` bytes long."""
        start = self._file.tell()
        self._file.write(blob_record(bytes(32), size, 0))
        hashed = _Hashing(source)
        try:
            length = self.compressor.copy(hashed, size, self._file)
        except zstandard.ZstdError as error:
            raise PackError(f"the content changed while it was read: {error}") from None
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(blob_record(hashed.hash.digest(), size, length))
        self._file.seek(end)
        self._count += 1
        return hashed.hash.digest()

    def finish(self) -> None:
        self._file.write(end_record(self._count))


class PackReader:
    """Reads a pack from a stream, one blob after the other, and verifies what it reads.

    Iterate; for every Blob call `content` (small ones) or `chunks` before going on. `blob.size <= WHOLE_BYTES` tells
    which. Raises PackError where the pack is not what it says; never decompresses more than a blob's declared size.
    """

    def __init__(
        self, file: Readable, *, max_blob_bytes: int = 2 << 30, max_blobs: int | None = None
    ) -> None:
        self._file = file
        self._max_blob_bytes = max_blob_bytes
        self._max_blobs = max_blobs
        self._offset = 0
        self._decompressor = _decompressor()
        self._left = 0  # bytes of the current frame that nobody has read
        self.dictionary = b""  # the frame of the dictionary now in force
        self.dictionary_span: tuple[int, int] | None = None  # its offset and length

    def __iter__(self) -> Iterator[Blob]:
        if self._read(len(MAGIC)) != MAGIC:
            raise PackError("it does not begin as a pack does")
        count = 0
        while True:
            kind = self._read(1)
            if kind == BLOB:
                digest, size, length = _blob_head.unpack(self._read(_blob_head.size))
                if size > self._max_blob_bytes:
                    raise PackError(
                        f"a blob of {size} bytes is larger than the limit of {self._max_blob_bytes}"
                    )
                if count == self._max_blobs:
                    raise PackError(f"it has more than {count} blobs")
                blob = Blob(digest, size, self._offset, length)
                self._left = length
                yield blob
                count += 1
                self._skip(self._left)
            elif kind == DICTIONARY:
                self._read_dictionary()
            elif kind == END:
                (expected,) = _u64.unpack(self._read(8))
                if expected != count:
                    raise PackError(f"it has {count} blobs and says {expected}")
                if self._file.read(1):
                    raise PackError("something follows its end")
                return
            else:
                raise PackError(f"it has a record of the unknown kind {kind!r}")

    def content(self, blob: Blob) -> bytes:
        """The verified content of the blob that was just given."""
        frame = self.frame(blob)
        content = self.expand(blob, frame)
        if hashlib.sha256(content).digest() != blob.digest:
            raise PackError(f"the blob {blob.digest.hex()} has another content")
        return content

    def frame(self, blob: Blob) -> bytes:
        """The blob's frame as it came, not verified."""
        _check_length(blob)
        return self._read_frame(blob.length)

    def expand(self, blob: Blob, frame: bytes) -> bytes:
        """Decompress a frame of this pack; checks the size, not the digest."""
        try:
            if zstandard.frame_content_size(frame) != blob.size:
                raise PackError(f"the blob {blob.digest.hex()} has another size")
            return self._decompressor.decompress(frame, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise PackError(f"the blob {blob.digest.hex()} does not decompress: {error}") from None

    def chunks(self, blob: Blob) -> Iterator[bytes]:
        """The content piece by piece; verified when the iterator ends without an error."""
        _check_length(blob)
        digest = hashlib.sha256()
        size = 0
        reader = self._decompressor.stream_reader(
            cast(BinaryIO, _Limited(self)), read_size=CHUNK, closefd=False
        )
        try:
            while chunk := reader.read(min(CHUNK, blob.size - size + 1)):
                size += len(chunk)
                if size > blob.size:
                    raise PackError(f"the blob {blob.digest.hex()} is larger than it says")
                digest.update(chunk)
                yield chunk
        except zstandard.ZstdError as error:
            raise PackError(f"the blob {blob.digest.hex()} does not decompress: {error}") from None
        if size != blob.size or digest.digest() != blob.digest:
            raise PackError(f"the blob {blob.digest.hex()} has another content")

    def _read_dictionary(self) -> None:
        (length,) = _u32.unpack(self._read(4))
        offset = self._offset
        if length > 8 * DICTIONARY_BYTES:
            raise PackError("its dictionary is too large")
        self.dictionary = self._read(length)
        self._decompressor = decompressor_for(self.dictionary)
        self.dictionary_span = (offset, length) if length else None

    def _read_frame(self, length: int) -> bytes:
        data = self._read(length)
        self._left = 0
        return data

    def _read(self, length: int) -> bytes:
        data = self._file.read(length)
        if len(data) != length:
            raise PackError("it ends too early")
        self._offset += length
        return data

    def read_of_frame(self, length: int) -> bytes:
        """Up to `length` bytes of the current frame; for streaming decompression."""
        data = self._read(min(length, self._left)) if self._left else b""
        self._left -= len(data)
        return data

    def _skip(self, length: int) -> None:
        while length > 0:
            length -= len(self._read(min(length, CHUNK)))
        self._left = 0


def decompressor_for(dictionary_frame: bytes) -> zstandard.ZstdDecompressor:
    """A decompressor for frames made with the dictionary that this frame holds; without one if it is empty."""
    if not dictionary_frame:
        return _decompressor()
    try:
        size = zstandard.frame_content_size(dictionary_frame)
        if not 0 < size <= 8 * DICTIONARY_BYTES:
            raise PackError("its dictionary is too large")
        dictionary = zstandard.ZstdDecompressor().decompress(dictionary_frame, allow_extra_data=False)
        return _decompressor(zstandard.ZstdCompressionDict(dictionary))
    except zstandard.ZstdError as error:
        raise PackError(f"its dictionary is damaged: {error}") from None


def _decompressor(dictionary: zstandard.ZstdCompressionDict | None = None) -> zstandard.ZstdDecompressor:
    return zstandard.ZstdDecompressor(dict_data=dictionary, max_window_size=WINDOW_BYTES)


def _check_length(blob: Blob) -> None:
    """zstd never makes more of a content than this."""
    if blob.length > blob.size + (blob.size >> 7) + 1024:
        raise PackError(f"the frame of {blob.digest.hex()} is longer than its content explains")


def expander(dictionary_frame: bytes) -> Callable[[bytes, int], bytes]:
    """A function (frame, size) -> content for frames made with this compressed dictionary (empty: none)."""
    decompressor = decompressor_for(dictionary_frame)

    def expand(frame: bytes, size: int) -> bytes:
        try:
            if zstandard.frame_content_size(frame) != size:
                raise PackError("a frame has another size")
            return decompressor.decompress(frame, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise PackError(f"a frame does not decompress: {error}") from None

    return expand


def chunk_expander(file: BinaryIO, offset: int, length: int, dictionary_frame: bytes) -> Iterator[bytes]:
    """The content of a frame in a file, piece by piece."""
    decompressor = decompressor_for(dictionary_frame)
    file.seek(offset)
    reader = decompressor.stream_reader(cast(BinaryIO, _Span(file, length)), read_size=CHUNK, closefd=False)
    try:
        while chunk := reader.read(CHUNK):
            yield chunk
    except zstandard.ZstdError as error:
        raise PackError(f"a frame does not decompress: {error}") from None


class _Span:
    """The next `length` bytes of a file, as a file."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file, self._left = file, length

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(self._left, CHUNK if size < 0 else size))
        self._left -= len(data)
        return data


class _Limited:
    """The current frame as a file, for zstandard's stream reader."""

    def __init__(self, reader: PackReader) -> None:
        self._reader = reader

    def read(self, size: int = -1) -> bytes:
        return self._reader.read_of_frame(CHUNK if size < 0 else size)


class _Hashing:
    """A source that hashes what is read from it."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.hash.update(data)
        return data
