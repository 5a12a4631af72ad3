from __future__ import annotations

import logging
import time
from typing import Any

from celery import Task, shared_task
from django.db import DatabaseError, InterfaceError, OperationalError

from changesets.models import Changeset
from conflicts.detection import detect
from conflicts.mail import send_news
from conflicts.models import FailedTask
from conflicts.open_edits import gaps, touched_changesets
from gitslice.common.errors import ServerBusy
from gitslice.telemetry.metrics import DETECTION_SECONDS

log = logging.getLogger(__name__)


class Remembered(Task):  # type: ignore[misc]
    """A task that is tried again with growing pauses, and is kept for an administrator when it has failed for good."""

    abstract = True
    autoretry_for = (OperationalError, InterfaceError, ServerBusy, OSError)
    retry_backoff = True
    retry_backoff_max = 300
    max_retries = 8
    acks_late = True
    reject_on_worker_lost = True

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        try:
            FailedTask.objects.create(name=self.name, arguments=list(args), error=str(einfo)[-10_000:])
        except DatabaseError:
            log.exception("%s%s failed, and could not be remembered", self.name, args)


@shared_task(name="conflicts.detect", base=Remembered)
def detect_conflicts(changeset_id: int, pairs: bool = True, since: float | None = None) -> int:
    """Bring the conflicts of one changeset up to date; gives the number of open ones with what has landed. `since` is
    when it became necessary, in seconds since 1970."""
    changeset = Changeset.objects.filter(pk=changeset_id).first()
    found = len(detect(changeset, pairs=pairs)) if changeset else 0
    if since is not None:
        DETECTION_SECONDS.observe(max(time.time() - since, 0))
    return found


@shared_task(name="conflicts.detect_for_paths", base=Remembered)
def detect_for_paths(
    organization_id: int, landed_id: int, paths: list[str], since: float | None = None
) -> int:
    """A changeset landed on these paths: close its conflicts, and look at every open changeset that edits near them;
    gives their number. Their conflicts with each other are as they were."""
    detect_conflicts(landed_id)
    changeset_ids = touched_changesets(organization_id, paths)
    for changeset_id in changeset_ids:
        detect_conflicts.delay(changeset_id, False, since)
    return len(changeset_ids)


@shared_task(name="conflicts.detect_in_slice", base=Remembered)
def detect_in_slice(slice_id: int) -> int:
    """The definition of the slice changed: look at all its open changesets; gives their number."""
    changeset_ids = list(Changeset.objects.open().filter(slice=slice_id).values_list("pk", flat=True))
    for changeset_id in changeset_ids:
        detect_conflicts.delay(changeset_id)
    return len(changeset_ids)


@shared_task(name="conflicts.sweep", base=Remembered)
def sweep() -> int:
    """Close gaps that lost messages leave; gives the number of changesets that are looked at again."""
    changeset_ids = gaps()
    for changeset_id in changeset_ids:
        detect_conflicts.delay(changeset_id)
    return len(changeset_ids)


@shared_task(name="conflicts.send_mail", base=Remembered)
def send_mail() -> int:
    """Tell people by e-mail what happened since the last time; gives the number of mails."""
    return send_news()
