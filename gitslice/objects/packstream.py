"""Chunks as a file to read a pack from, and what is learnt from a pack as it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from gitslice_core.packs import CHUNK, WHOLE_BYTES, Blob, PackReader, git_blob_id


class Chunks:
    """An iterator of chunks as a file, hashed and counted as it is read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = b""
        self._at = 0
        self.sha256 = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, less at the end; the next chunk if it is negative."""
        if size < 0:
            size = len(self._buffer) - self._at or CHUNK
        end = self._at + size
        if end > len(self._buffer):
            self._fill(size)
            end = self._at + size
        data = self._buffer[self._at : end]
        self._at += len(data)
        return data

    def _fill(self, size: int) -> None:
        parts = [self._buffer[self._at :]]
        have = len(parts[0])
        while have < size and (chunk := next(self._chunks, b"")):
            self.sha256.update(chunk)
            self.size += len(chunk)
            parts.append(chunk)
            have += len(chunk)
        self._buffer, self._at = b"".join(parts), 0


def git_id_of(reader: PackReader, blob: Blob) -> bytes:
    """The id by which git knows the blob that the reader has just given; verifies its content. Raises PackError."""
    git_id = git_blob_id(blob.size)
    if blob.size <= WHOLE_BYTES:
        git_id.update(reader.content(blob))
    else:
        for chunk in reader.chunks(blob):
            git_id.update(chunk)
    return git_id.digest()
