"""The queue of objects that wait to be deleted: rows go first, objects after a grace, in which readers come to their end."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from gitslice.common.rows import fetch_rows
from gitslice.objects.models import Pack, PackRemoval
from gitslice.objects.naming import own_object
from gitslice.objects.store import object_name, object_store

COLLECTED, COMPACTED, ORPHAN, REDACTED = "collected", "compacted", "orphan", "redacted"
BATCH = 1_000
QUEUE = """
INSERT INTO objects_packremoval (organization_id, digest, reason, due_at)
SELECT pack.organization_id, pack.digest, %s, %s FROM objects_pack pack
 WHERE pack.id = ANY(%s) AND NOT EXISTS (SELECT FROM objects_blob blob WHERE blob.pack_id = pack.id)
    ON CONFLICT (organization_id, digest) DO UPDATE SET reason = excluded.reason, due_at = excluded.due_at
"""
DROP = """
DELETE FROM objects_pack pack
 WHERE pack.id = ANY(%s) AND NOT EXISTS (SELECT FROM objects_blob blob WHERE blob.pack_id = pack.id)
"""
UNKNOWN = """
INSERT INTO objects_packremoval (organization_id, digest, reason, due_at)
SELECT %(organization)s, stored.digest, %(reason)s, %(due)s FROM unnest(%(digests)s::bytea[]) AS stored(digest)
 WHERE NOT EXISTS (SELECT FROM objects_pack pack
                    WHERE pack.organization_id = %(organization)s AND pack.digest = stored.digest)
    ON CONFLICT (organization_id, digest) DO NOTHING
"""


def object_grace() -> timedelta:
    return timedelta(hours=settings.GITSLICE_REMOVAL_GRACE_HOURS)


def drop_packs(pack_ids: Collection[int], reason: str, grace: timedelta) -> int:
    """Of these packs, drop the rows of those that hold no blob, and queue their objects; gives their number. For who owns
    the names of the organization, in their transaction."""
    with connection.cursor() as cursor:
        cursor.execute(QUEUE, [reason, timezone.now() + grace, list(pack_ids)])
        cursor.execute(DROP, [list(pack_ids)])
        return cursor.rowcount


def queue_orphans(organization_id: int) -> int:
    """Queue the objects that no row names: of uploads that were killed between object and row. The row of an upload that
    is on its way takes its object out of the queue again."""
    names = object_store().list(f"{organization_id}/")
    count = 0
    while batch := list(islice(names, BATCH)):
        digests = [digest for name in batch if (digest := digest_in(name)) is not None]
        with connection.cursor() as cursor:
            due = timezone.now() + object_grace()
            parameters: dict[str, Any] = {
                "organization": organization_id,
                "reason": ORPHAN,
                "due": due,
                "digests": digests,
            }
            cursor.execute(UNKNOWN, parameters)
            count += cursor.rowcount
    return count


def delete_due(now: datetime | None = None, *, reason: str | None = None) -> int:
    """Delete the objects whose time has come, those of one reason only if given; gives their number. Killed between object
    and row it deletes again, which is harmless."""
    due = PackRemoval.objects.filter(due_at__lte=now or timezone.now()).order_by("pk")
    if reason:
        due = due.filter(reason=reason)
    return sum(_delete(pk) for pk in list(due.values_list("pk", flat=True)))


@transaction.atomic
def _delete(pk: int) -> bool:
    row = PackRemoval.objects.filter(pk=pk).first()
    if row is None:
        return False
    own_object(row.organization_id, bytes(row.digest))
    row = PackRemoval.objects.select_for_update().filter(pk=pk, due_at__lte=timezone.now()).first()
    if row is None:  # it was uploaded again meanwhile
        return False
    named = Pack.objects.filter(organization=row.organization_id, digest=row.digest).exists()
    if not named:
        object_store().delete(object_name(row.organization_id, bytes(row.digest)))
    row.delete()
    return not named


def digest_in(name: str) -> bytes | None:
    """Of the pack that an object is named by; None for another file."""
    stem = name.rpartition("/")[2].removesuffix(".pack")
    try:
        return bytes.fromhex(stem) if len(stem) == 64 else None
    except ValueError:
        return None


def waiting(organization_id: int) -> Iterator[bytes]:
    """Digests of the packs of an organization whose objects wait."""
    sql = "SELECT digest FROM objects_packremoval WHERE organization_id = %s ORDER BY id"
    return (bytes(digest) for (digest,) in fetch_rows(sql, [organization_id]))
