"""The schedule queues a task every few seconds, a worker does it: its age says whether both are alive."""

from __future__ import annotations

import time

from django_redis import get_redis_connection

KEY = "gitslice:heartbeat"
EVERY = 10  # seconds
LATE = 60  # seconds after which nobody seems to work


def beat() -> None:
    get_redis_connection("default").set(KEY, str(time.time()))


def age_of_last() -> float | None:
    """Seconds; None if there was none. Raises RedisError."""
    last = get_redis_connection("default").get(KEY)
    return max(time.time() - float(last), 0) if last else None
