"""Files that are made whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress

from gs.errors import GsError

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO


def write_whole(target: str, write: Callable[[IO[bytes]], None]) -> None:
    """Let `write` fill a file, which is put in place when it is complete; pipes and devices are written to."""
    place = os.path.realpath(target)
    unfinished = f"{place}.{os.getpid()}.part"
    try:
        if os.path.exists(place) and not os.path.isfile(place):
            with open(place, "wb") as file:
                write(file)
            return
        with open(unfinished, "wb") as file:
            write(file)
        os.replace(unfinished, place)
    except OSError as error:
        raise GsError("failed", f"{target} cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            os.unlink(unfinished)
