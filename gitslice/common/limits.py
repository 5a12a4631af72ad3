"""How often something may happen: counted in Redis, in windows of fixed length.

A window's count is one number that INCR moves, the same for all processes; at the edge of two windows twice the limit
may pass, which is well enough for keeping abuse out. Where Redis is away everything passes, and is not held up either:
after a failure nothing is counted for a few seconds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass

from django_redis import get_redis_connection
from redis.exceptions import RedisError

from gitslice.common.errors import DomainError

log = logging.getLogger(__name__)

PAUSE = 5.0  # seconds without counting after Redis failed
PREFIX = "gitslice:limit"

_away_until = 0.0


class TooManyRequests(DomainError):
    code = "rate_limited"
    hint = "wait for as many seconds as Retry-After says"


@dataclass(frozen=True)
class Limit:
    """`most` times in `seconds`; 0 is no limit. `kind` and `who` name what is counted."""

    kind: str
    who: str
    most: int
    seconds: int = 60

    def key(self, now: float) -> str:
        return f"{PREFIX}:{self.kind}:{self.who}:{int(now // self.seconds)}"

    def left(self, now: float) -> int:
        """Whole seconds until the window ends, at least one."""
        return max(int(self.seconds - now % self.seconds + 0.999), 1)


def spend(limits: Iterable[Limit]) -> None:
    """Count one more of each. Raises TooManyRequests where one is passed."""
    global _away_until
    counted = [limit for limit in limits if limit.most > 0]
    now = time.time()
    if not counted or now < _away_until:
        return
    try:
        passed = _passed(counted, now)
    except (RedisError, OSError) as error:
        log.warning("requests are not counted: Redis does not answer: %s", type(error).__name__)
        _away_until = now + PAUSE
        return
    if passed:
        wait = max(limit.left(now) for limit in passed)
        raise TooManyRequests(f"too many requests: wait {wait} s", retry_after=wait)


def forget(limits: Iterable[Limit], *, times: int | None = None) -> None:
    """Take back what was counted in this window: so many times, or all of it."""
    now = time.time()
    if now < _away_until:
        return
    try:
        with get_redis_connection("default").pipeline(transaction=False) as pipeline:
            for limit in limits:
                if times is None:
                    pipeline.delete(limit.key(now))
                else:
                    pipeline.decr(limit.key(now), times)
            pipeline.execute()
    except (RedisError, OSError):
        log.warning("requests are not taken back: Redis does not answer")


def _passed(limits: list[Limit], now: float) -> list[Limit]:
    with get_redis_connection("default").pipeline(transaction=False) as pipeline:
        for limit in limits:
            pipeline.incr(limit.key(now))
            pipeline.expire(limit.key(now), limit.seconds)
        counts = pipeline.execute()[::2]
    return [limit for limit, count in zip(limits, counts, strict=True) if count > limit.most]
