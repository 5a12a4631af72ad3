"""Every metric. The table in docs/observability.md tells of each (a test compares); labels have few values: routes,
codes and kinds, never people, paths or addresses. Organizations are a label only where a setting says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.conf import settings
from prometheus_client import Counter, Gauge, Histogram

QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
SLOW = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

quick = partial(Histogram, buckets=QUICK)
slow = partial(Histogram, buckets=SLOW)
gauge = partial(Gauge, multiprocess_mode="livesum")

REQUESTS = Counter("gitslice_http_requests", "Requests answered", ("method", "route", "status"))
REQUEST_SECONDS = quick(
    "gitslice_http_request_seconds", "From a request's arrival to the end of its answer", ("route",)
)
IN_FLIGHT = gauge("gitslice_http_requests_in_flight", "Requests being answered now")
SQL_STATEMENTS = Counter("gitslice_sql_statements", "Statements sent to the database", ("process",))
SQL_SECONDS = Counter("gitslice_sql_seconds", "Time spent waiting for the database", ("process",))
POOL = gauge(
    "gitslice_database_pool_connections",
    "Connections of the web processes' pools: `used`, `idle`; `waiting` are requests without one",
    ("state",),
)
POOL_WAITS = Counter("gitslice_database_pool_waits", "Requests that had to wait for a connection")

LANDINGS = Counter(
    "gitslice_landings", "Changesets landed: `clean`, or three-way `merged`", ("how", "organization")
)
LANDING_SECONDS = quick("gitslice_landing_seconds", "From the request to land to the commit")
LANDING_RETRIES = Counter(
    "gitslice_landing_retries", "Landings planned anew: `heads_moved`, `deadlock`", ("reason",)
)
LANDING_REFUSALS = Counter(
    "gitslice_landing_refusals", "Landings refused, by the code of the problem", ("code", "organization")
)
LOCK_WAIT = quick("gitslice_lock_wait_seconds", "Time until a lock of landing was had", ("lock",))

CONFLICTS_OPENED = Counter(
    "gitslice_conflicts_opened",
    "Conflicts found, with what has landed (`landed`) or another open changeset (`open`)",
    ("kind", "severity", "against"),
)
CONFLICTS_CLOSED = Counter(
    "gitslice_conflicts_closed", "Conflicts that people have `resolved`, or that are `obsolete`", ("how",)
)
DETECTION_SECONDS = slow(
    "gitslice_conflict_detection_seconds",
    "From the change that made it necessary to the conflicts of a changeset being up to date",
)

GLOBAL_MERGES = Counter(
    "gitslice_global_merges",
    "Batch merges: `merged`, `nothing` to do, `blocked`, or `running` elsewhere",
    ("outcome",),
)
GLOBAL_MERGE_SECONDS = slow("gitslice_global_merge_seconds", "Time that a batch merge took")
GLOBAL_MERGED_COMMITS = Counter(
    "gitslice_global_merged_commits", "Commits that came into the global state", ("organization",)
)

TASKS = Counter("gitslice_tasks", "Tasks that workers have ended, by state", ("task", "state"))
TASK_SECONDS = slow("gitslice_task_seconds", "Time that a task took", ("task",))
TASK_WAIT = slow("gitslice_task_wait_seconds", "From a task being queued to its start", ("queue",))

STORE_REQUESTS = Counter(
    "gitslice_store_requests",
    "Operations on the object store: `ok`, `missing`, `failed`",
    ("operation", "outcome"),
)
STORE_BYTES = Counter(
    "gitslice_store_bytes", "Bytes written to and read from the object store", ("operation",)
)
STORE_SECONDS = quick("gitslice_store_seconds", "Time waited for the object store", ("operation",))

CACHE = Counter("gitslice_cache_lookups", "Lookups in caches: `hit`, `miss`", ("cache", "outcome"))
WEBHOOKS = Counter(
    "gitslice_webhooks", "Attempts to deliver: `delivered`, `later` (tried again), `given_up`", ("outcome",)
)
WEBHOOK_SECONDS = slow("gitslice_webhook_seconds", "Time until a receiver of webhooks answered")
SIGN_INS = Counter(
    "gitslice_sign_ins", "Sign-ins by page: `ok`, `failed`, `limited` (too many attempts)", ("outcome",)
)
TOKENS_REFUSED = Counter("gitslice_tokens_refused", "Requests with an API token that is not good")
LIMITED = Counter("gitslice_limited_requests", "Requests refused because there were too many")


def organization_label(name: object) -> str:
    """An organization's name where GITSLICE_METRICS_ORGANIZATIONS allows it as a label; `name` may be costly to write
    out, and is not otherwise."""
    return str(name() if callable(name) else name) if settings.GITSLICE_METRICS_ORGANIZATIONS else ""


@contextmanager
def timed(histogram: Histogram) -> Iterator[None]:
    """Counts also what fails."""
    started = time.perf_counter()
    try:
        yield
    finally:
        histogram.observe(time.perf_counter() - started)
