from __future__ import annotations

from celery import shared_task

from accounts.events import forget_old


@shared_task(name="accounts.forget_old_events")
def forget_old_events() -> int:
    """Drop events that nobody resumes from any more; gives their number."""
    return forget_old()
