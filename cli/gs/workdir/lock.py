"""One `gs` at a time changes a directory."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager

from gs.errors import GsError

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def locked(folder: str) -> Iterator[None]:
    """Hold `.gs/lock` of the working directory `folder`. Raises GsError `failed` while another process does. A killed
    process holds nothing."""
    descriptor = os.open(os.path.join(folder, ".gs", "lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GsError(
                "failed", "another gs is at work in this directory", "wait for it, then try again"
            ) from None
        yield
    finally:
        os.close(descriptor)
