"""Which servers this `gs` knows how to talk to."""

from __future__ import annotations

from gs import __version__
from gs.output import warn

OLDEST, NEWEST = (0, 1), (0, 1)  # major and minor version of servers


def warn_of(server: str | None) -> None:
    """Say so if the server's version is none that this `gs` was made for."""
    version = numbers(server)
    if version is None or OLDEST <= version <= NEWEST:
        return
    if version > NEWEST:
        warn(f"The server is newer ({server}) than this gs ({__version__}) knows: get a newer gs.")
    else:
        warn(
            f"The server is older ({server}) than this gs ({__version__}) supports: ask its administrator to upgrade."
        )


def numbers(version: str | None) -> tuple[int, int] | None:
    """Major and minor; None for what is no version."""
    parts = (version or "").split(".")
    if len(parts) < 2 or not (parts[0].isdecimal() and parts[1].isdecimal()):
        return None
    return int(parts[0]), int(parts[1])
