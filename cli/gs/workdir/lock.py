"""One `gs` at a time changes a directory."""

from __future__ import annotations

import fcntl
import os

from gs.errors import GsError


class locked:  # as a class, since contextlib costs its import at every start
    """Hold `.gs/lock` of the working directory `folder`. Raises GsError `failed` while another process does. A killed
    process holds nothing."""

    def __init__(self, folder: str):
        self._file = os.path.join(folder, ".gs", "lock")

    def __enter__(self) -> None:
        self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise GsError(
                "failed", "another gs is at work in this directory", "wait for it, then try again"
            ) from None

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
