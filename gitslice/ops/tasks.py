from __future__ import annotations

from celery import shared_task

from gitslice.ops.integrity.cleaning import collect_everywhere, compact_everywhere
from gitslice.ops.integrity.sampling import sample
from gitslice.telemetry.heartbeats import beat


@shared_task(name="ops.check_sample", ignore_result=True)
def check_sample() -> int:
    """Check some of what is stored; gives the number of findings that are new."""
    return sample()


@shared_task(name="ops.collect_garbage", ignore_result=True)
def collect_garbage() -> int:
    """Delete what nothing names, and objects that are due; gives the number of blobs."""
    return collect_everywhere()


@shared_task(name="ops.compact_packs", ignore_result=True)
def compact_packs() -> int:
    """Rewrite small packs, and those of mostly dead bytes; gives their number."""
    return compact_everywhere()


@shared_task(name="ops.heartbeat", ignore_result=True)
def heartbeat() -> None:
    """Show that schedule, queue and worker do their work."""
    beat()
