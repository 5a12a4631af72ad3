"""A batch merge is never in a hurry and landings are, so it rests as long as it works: PostgreSQL's vacuum paces itself
the same way. On a busy machine that leaves them most of it; on an idle one a batch takes twice its fraction of a second."""

from __future__ import annotations

import time

MOST_REST = 1.0  # seconds in one batch: a large one may take its time, but not twice as long


class Pace:
    """Rests between the steps of one batch."""

    def __init__(self) -> None:
        self._left = MOST_REST
        self._since = time.monotonic()

    def rest(self) -> None:
        """For as long as it was since the last rest."""
        worked = time.monotonic() - self._since
        slept = min(worked, self._left)
        if slept > 0:
            time.sleep(slept)
            self._left -= slept
        self._since = time.monotonic()
