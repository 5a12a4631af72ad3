"""`/livez`: the process answers. `/readyz`: everything it needs answers as well."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage, storages
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_redis import get_redis_connection

from gitslice.telemetry.heartbeats import LATE, age_of_last

log = logging.getLogger(__name__)

KEPT = 1.0  # seconds that an outcome holds: probes of many do not add up
READABLE = {"indent": 2}

_looking = threading.Lock()
_last: tuple[float, dict[str, Any]] | None = None


class NotReady(Exception):
    """A part does not do its work; the text says what is wrong and is safe to show."""


@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 if this process can serve, else 503. What exactly failed stands in the log, not in the answer.

    Without workers nothing is lost and pages are served, so their failure is told and is no reason to turn people away;
    with `?workers=1` it is 503 as well.
    """
    found = readiness()
    needed = dict(found["checks"])
    if request.GET.get("workers") != "1":
        needed.pop("worker")
    ready = all(check["status"] == "ok" for check in needed.values())
    status = "ok" if ready else "unavailable"
    return JsonResponse({"status": status} | found, status=200 if ready else 503, json_dumps_params=READABLE)


def readiness() -> dict[str, Any]:
    """What every check found, at most a second ago."""
    global _last
    with _looking:
        if _last is None or time.monotonic() - _last[0] > KEPT:
            checks = {name: _outcome(name, check) for name, check in CHECKS.items()}
            _last = (time.monotonic(), {"checks": checks})
        return _last[1]


def forget() -> None:
    """Look anew at the next question."""
    global _last
    _last = None


def _outcome(name: str, check: Callable[[], None]) -> dict[str, Any]:
    started = time.perf_counter()
    outcome: dict[str, Any] = {"status": "ok"}
    try:
        check()
    except NotReady as reason:
        outcome = {"status": "failed", "reason": str(reason)}
    except Exception:  # whatever a driver raises means the same here: this part does not work
        log.warning("readiness: %s failed", name, exc_info=True)
        outcome = {"status": "failed", "reason": "unavailable"}
    return outcome | {"seconds": round(time.perf_counter() - started, 4)}


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _migrations() -> None:
    if not _all_migrated():
        _all_migrated.cache_clear()
        raise NotReady("migrations are missing: run manage.py migrate")


@cache
def _all_migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _redis() -> None:
    get_redis_connection("default").ping()


def _objects() -> None:
    """The folder can be written to, or the bucket is there."""
    storage = storages["objects"]
    if not isinstance(storage, FileSystemStorage):
        storage.connection.meta.client.head_bucket(Bucket=storage.bucket_name)  # type: ignore[attr-defined]
        return
    folder = Path(storage.location)
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        raise NotReady("the folder cannot be written to")


def _worker() -> None:
    age = age_of_last()
    if age is None:
        raise NotReady("no worker has shown itself")
    if age > LATE:
        raise NotReady(f"a worker last showed itself {age:.0f} s ago")


CHECKS: dict[str, Callable[[], None]] = {
    "database": _database,
    "migrations": _migrations,
    "redis": _redis,
    "objects": _objects,
    "worker": _worker,
}
