"""Work done by a second process, where there are enough files and processors for it to pay."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

WORTHWHILE = 1_000  # files below which one process is as quick


def pays(files: int) -> bool:
    return files >= WORTHWHILE and hasattr(os, "fork") and (os.cpu_count() or 1) > 1


def start(work: Callable[[], bytes]) -> Callable[[], bytes | None]:
    """Run `work` in a child process from now on. Call what is given back once to wait for it: what it returned, or None
    if it was killed or raised. The child shares open files with us (and so holds our locks), but uses no connection."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            _write(writing, work())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)

    def wait() -> bytes | None:
        with open(reading, "rb") as pipe:
            result = pipe.read()
        _, status = os.waitpid(child, 0)
        return result if status == 0 else None

    return wait


def start_fed(work: Callable[[BinaryIO], bytes]) -> tuple[int, Callable[[], bytes | None]]:
    """As `start`, for work that reads what we send it: gives the descriptor to write to as well, which is to be closed
    before waiting."""
    reading, writing = os.pipe()

    def fed() -> bytes:
        os.close(writing)
        with open(reading, "rb") as source:
            return work(source)

    wait = start(fed)
    os.close(reading)
    return writing, wait


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
