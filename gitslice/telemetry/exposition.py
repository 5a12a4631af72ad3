"""What `/metrics` says: what all processes of this machine have counted, and how the queues stand."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from hmac import compare_digest

import orjson
from django.conf import settings
from django_redis import get_redis_connection
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from redis.exceptions import RedisError

from gitslice.telemetry.heartbeats import age_of_last
from gitslice.telemetry.tasks import CARRIED, QUEUED_AT
from gitslice_core import __version__

LOOPBACK = ("127.0.0.1", "::1")


def exposition() -> bytes:
    registry = CollectorRegistry()
    registry.register(_Now())
    counted = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    return generate_latest(counted) + generate_latest(registry)


def admitted(address: str, authorization: str, *, forwarded: bool) -> bool:
    """Who has GITSLICE_METRICS_TOKEN; where none is set, this machine alone."""
    if settings.GITSLICE_METRICS_TOKEN:
        given = authorization.removeprefix("Bearer ")
        return compare_digest(given.encode(), settings.GITSLICE_METRICS_TOKEN.encode())
    return address in LOOPBACK and not forwarded


class _Now:
    """What is asked for at the moment, not counted."""

    def collect(self) -> Iterator[Metric]:
        version = GaugeMetricFamily("gitslice_version", "1, of the version that answers", labels=["version"])
        version.add_metric([__version__], 1)
        yield version
        try:
            yield from _queues()
            heartbeat = age_of_last()
        except (RedisError, OSError):
            return
        if heartbeat is not None:
            yield GaugeMetricFamily(
                "gitslice_worker_heartbeat_age_seconds",
                "Since a worker last did what the schedule had queued",
                heartbeat,
            )

    def describe(self) -> list[Metric]:
        return []


def _queues() -> Iterator[Metric]:
    depth = GaugeMetricFamily("gitslice_queue_messages", "Tasks that wait for a worker", labels=["queue"])
    age = GaugeMetricFamily(
        "gitslice_queue_age_seconds", "How long the oldest waiting task has waited", labels=["queue"]
    )
    redis = get_redis_connection("default")
    for queue in settings.CELERY_TASK_QUEUES:
        depth.add_metric([queue], redis.llen(queue))
        oldest = redis.lindex(queue, -1)  # they come in on the left
        age.add_metric([queue], _waited(oldest) if oldest else 0)
    yield depth
    yield age


def _waited(message: bytes) -> float:
    try:
        queued = orjson.loads(message)["headers"][CARRIED][QUEUED_AT]
    except (ValueError, KeyError, TypeError):
        return 0
    return max(time.time() - queued, 0)
