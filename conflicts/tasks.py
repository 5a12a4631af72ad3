from __future__ import annotations

from typing import Any

from celery import shared_task
from django.db import OperationalError

from changesets.models import Changeset
from conflicts.detection import detect, touched_changesets

RETRY: dict[str, Any] = {
    "autoretry_for": (OperationalError,),
    "retry_backoff": True,
    "max_retries": 8,
    "acks_late": True,
}


@shared_task(name="conflicts.detect", **RETRY)
def detect_conflicts(changeset_id: int) -> int:
    """Bring the conflicts of one changeset up to date; gives the number of open ones."""
    changeset = Changeset.objects.filter(pk=changeset_id).first()
    return len(detect(changeset)) if changeset else 0


@shared_task(name="conflicts.detect_for_paths", **RETRY)
def detect_for_paths(organization_id: int, landed_id: int, paths: list[str]) -> int:
    """A changeset landed on these paths: close its conflicts, and queue every open changeset that edits one of them;
    gives their number."""
    detect_conflicts(landed_id)
    changeset_ids = list(touched_changesets(organization_id, paths))
    for changeset_id in changeset_ids:
        detect_conflicts.delay(changeset_id)
    return len(changeset_ids)


@shared_task(name="conflicts.sweep")
def sweep() -> int:
    """Close gaps that lost messages leave: look at every open changeset again; gives their number."""
    changeset_ids = list(Changeset.objects.open().values_list("pk", flat=True))
    for changeset_id in changeset_ids:
        detect_conflicts.delay(changeset_id)
    return len(changeset_ids)
