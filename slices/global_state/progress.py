"""How far the batch merge of an organization is, for whoever looks on. The step is told through the cache; whether a merge
runs at all is read from its lock, which dies with its connection."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.cache import cache

from gitslice.common.rows import fetch_row
from slices.locks import lock_key

STEPS = {
    "chosen": "Checking that the versions of every path follow each other",
    "checked": "Working out the changed folders",
    "computed": "Storing the changed folders",
    "stored": "Writing the global commit",
}
BEGINNING = "Looking for what has landed"
KEPT_SECONDS = 3600

HELD = """
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND database = (
    SELECT oid FROM pg_database WHERE datname = current_database())
   AND classid = %s::bigint::oid AND objid = %s::bigint::oid)
"""


@dataclass(frozen=True)
class Running:
    """`done` of `steps` steps are done; `doing` says what goes on."""

    done: int
    doing: str
    steps: int = len(STEPS) + 1


def merge_lock(organization_id: int) -> int:
    """The lock that a batch merge holds as long as it runs."""
    return lock_key("global", organization_id)


def tell_step(organization_id: int, step: str) -> None:
    cache.set(_key(organization_id), step, KEPT_SECONDS)


def running_merge(organization_id: int) -> Running | None:
    """The batch merge that runs now, if one does."""
    lock = merge_lock(organization_id) % (1 << 64)
    if not fetch_row(HELD, [lock >> 32, lock & 0xFFFFFFFF])[0]:  # type: ignore[index]
        return None
    step = cache.get(_key(organization_id))
    done = list(STEPS).index(step) + 1 if step in STEPS else 0
    return Running(done, STEPS.get(step, BEGINNING))


def _key(organization_id: int) -> str:
    return f"global-merge:{organization_id}"
