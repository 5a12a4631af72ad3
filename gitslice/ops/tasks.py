from __future__ import annotations

from celery import shared_task

from gitslice.telemetry.heartbeats import beat


@shared_task(name="ops.heartbeat", ignore_result=True)
def heartbeat() -> None:
    """Show that schedule, queue and worker do their work."""
    beat()
