"""Every task of a worker: it carries the id of the request that queued it and its place in the trace, is counted, and
leaves a line in the log."""

from __future__ import annotations

import logging
import os
import time
from typing import Any

from celery import signals
from django.conf import settings

from gitslice.telemetry import tracing
from gitslice.telemetry.metrics import SQL_SECONDS, SQL_STATEMENTS, TASK_SECONDS, TASK_WAIT, TASKS
from gitslice.telemetry.work import begin, current, end, new_request_id

CARRIED = "gitslice"  # the header of a message that holds what we send along
REQUEST_ID, QUEUED_AT, SCHEDULED = "request_id", "queued_at", "scheduled"
LONG = 1.0  # seconds after which a task of the schedule is worth a line

log = logging.getLogger("gitslice.tasks")


def connect() -> None:
    signals.before_task_publish.connect(_publish, weak=False, dispatch_uid="telemetry")
    signals.task_prerun.connect(_start, weak=False, dispatch_uid="telemetry")
    signals.task_postrun.connect(_finish, weak=False, dispatch_uid="telemetry")
    signals.worker_process_shutdown.connect(_leave, weak=False, dispatch_uid="telemetry")


def _publish(headers: dict[str, Any] | None = None, routing_key: str = "", **_: Any) -> None:
    if headers is None:
        return
    work = current()
    scheduled = SCHEDULED in work.facts if work else settings.GITSLICE_ROLE == "beat"
    carried: dict[str, Any] = {QUEUED_AT: time.time(), SCHEDULED: scheduled}
    carried[REQUEST_ID] = work.request_id if work else new_request_id()
    headers[CARRIED] = carried | tracing.carrier()
    tracing.note(f"queue {headers.get('task')}", 0, "PRODUCER", **{"messaging.system": "redis"})


def _start(task: Any, **_: Any) -> None:
    carried = task.request.get(CARRIED) or {}
    work = begin(carried.get(REQUEST_ID) or new_request_id())
    work.facts = {"task": task.name, "task_id": task.request.id}
    if carried.get(SCHEDULED):
        work.facts[SCHEDULED] = True
    queue = (task.request.delivery_info or {}).get("routing_key") or "celery"
    if QUEUED_AT in carried and not task.request.retries:
        TASK_WAIT.labels(queue).observe(max(time.time() - carried[QUEUED_AT], 0))
    tracing.start(work, f"run {task.name}", "CONSUMER", carried)
    task.request.started_at = time.perf_counter()


def _finish(task: Any, state: str | None = None, **_: Any) -> None:
    work = current()
    if work is None:
        return
    seconds = time.perf_counter() - task.request.get("started_at", time.perf_counter())
    state = (state or "UNKNOWN").lower()
    TASKS.labels(task.name, state).inc()
    TASK_SECONDS.labels(task.name).observe(seconds)
    SQL_STATEMENTS.labels("worker").inc(work.sql_count)
    SQL_SECONDS.labels("worker").inc(work.sql_seconds)
    facts = {
        "state": state,
        "duration_ms": round(seconds * 1000, 1),
        "sql_count": work.sql_count,
        "sql_ms": round(work.sql_seconds * 1000, 1),
    }
    usual = SCHEDULED in work.facts and state == "success" and seconds < LONG
    log.log(logging.DEBUG if usual else logging.INFO, "task", extra={"facts": facts})
    tracing.finish(work, f"run {task.name}", failed=state == "failure")
    end()


def _leave(**_: Any) -> None:
    from prometheus_client.multiprocess import mark_process_dead

    tracing.flush()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]
