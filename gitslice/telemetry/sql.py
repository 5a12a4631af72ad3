"""Counts statements and the time they take, for the work at hand and for the process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from gitslice.telemetry import tracing
from gitslice.telemetry.metrics import POOL, POOL_WAITS
from gitslice.telemetry.work import current

_waits = 0  # of this process's pool that are counted


def connect() -> None:
    connection_created.connect(_count_statements, dispatch_uid="telemetry")


def _count_statements(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _counted not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _counted)  # others push theirs on top, and take them off again


def _counted(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    work = current()
    if work is None:
        return execute(sql, params, many, context)
    started = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        seconds = time.perf_counter() - started
        work.sql_count += 1
        work.sql_seconds += seconds
        if work.span is not None:
            text = str(sql).strip()
            attributes = {"db.system.name": "postgresql", "db.query.text": text}
            tracing.note(text.partition(" ")[0].upper() or "SQL", seconds, **attributes)


def look_at_pool() -> None:
    """How the pool of this process stands now."""
    global _waits
    pool = getattr(connections["default"], "_connection_pools", {}).get("default")
    if pool is None:
        return
    stats = pool.get_stats()
    size, idle = stats.get("pool_size", 0), stats.get("pool_available", 0)
    POOL.labels("used").set(size - idle)
    POOL.labels("idle").set(idle)
    POOL.labels("waiting").set(stats.get("requests_waiting", 0))
    waits = stats.get("requests_queued", 0)
    POOL_WAITS.inc(max(waits - _waits, 0))
    _waits = waits
