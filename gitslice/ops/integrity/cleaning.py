"""Garbage collection and compaction of all organizations, one run of each at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from accounts.models import Organization
from gitslice.common.errors import ServerBusy
from gitslice.objects.collecting import collect
from gitslice.objects.compacting import compact
from gitslice.objects.removing import delete_due, queue_orphans
from gitslice.ops.backup.database import is_running

log = logging.getLogger(__name__)


def collect_everywhere() -> int:
    """What the schedule does; gives the number of blobs that were deleted."""
    count = 0
    with one_at_a_time("collect") as alone:
        if not alone:
            return 0
        for organization in Organization.objects.order_by("pk"):
            try:
                collected = collect(organization.pk)
                compact(organization.pk, small=False)
            except ServerBusy as error:
                log.warning("garbage collection of %s: %s", organization, error)
                continue
            queue_orphans(organization.pk)
            count += collected.blobs
            if collected.blobs:
                log.info("garbage collection of %s: %s", organization, collected)
        delete_objects()
    return count


def compact_everywhere() -> int:
    """What the schedule does; gives the number of packs that were rewritten."""
    count = 0
    with one_at_a_time("compact") as alone:
        if not alone:
            return 0
        for organization in Organization.objects.order_by("pk"):
            try:
                count += compact(organization.pk, dead=False).packs
            except ServerBusy as error:
                log.warning("compaction of %s: %s", organization, error)
    return count


def delete_objects() -> int:
    """Delete what is due, but not under a backup that may have begun before the rows went; gives the number of objects."""
    return 0 if is_running() else delete_due()


@contextmanager
def one_at_a_time(what: str) -> Iterator[bool]:
    """Whether this is the only run; two would do no harm, and half of the work twice."""
    key = f"gitslice.ops.integrity.{what}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [key])
        alone = bool(cursor.fetchone()[0])
    try:
        yield alone
    finally:
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [key])
