"""Blobs that are passed on to a second process as they are received: as a pack, through a pipe."""

from __future__ import annotations

import os
import select

from gitslice_core.packs import MAGIC, blob_record, dictionary_record, end_record
from gs.workdir import beside

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from gitslice_core.packs import Blob
    from gs.progress import Progress


class Forward:
    """A second process that works on blobs while we receive others: `ready`, then `send`; `finish` once at the end."""

    def __init__(self, work: Callable[[BinaryIO], bytes], progress: Progress):
        """`work` gets the pack, in the second process; what it gives comes back from `finish`."""
        self.sent: list[bytes] = []  # digests, in order
        self._progress = progress
        self._dictionary = b""
        self._descriptor, self._wait = beside.start_fed(work)
        self._broken = False
        self._write(MAGIC)

    def ready(self) -> bool:
        """Whether it has room for more; False once it is gone."""
        return not self._broken and bool(select.select([], [self._descriptor], [], 0)[1])

    def send(self, blob: Blob, frame: bytes, dictionary: bytes) -> None:
        """Pass on a blob with the frame that came of it, and the frame of its dictionary (empty: none)."""
        if dictionary is not self._dictionary:
            self._dictionary = dictionary
            self._write(dictionary_record(dictionary))
        self.sent.append(blob.digest)
        self._write(blob_record(blob.digest, blob.size, blob.length) + frame)
        self._progress.advance(files=1, bytes=blob.size)

    def finish(self) -> bytes | None:
        """What the work gave; None if it failed or was killed."""
        self._write(end_record(len(self.sent)))
        os.close(self._descriptor)
        return self._wait()

    def _write(self, data: bytes) -> None:
        try:
            while data and not self._broken:
                data = data[os.write(self._descriptor, data) :]
        except BrokenPipeError:
            self._broken = True
