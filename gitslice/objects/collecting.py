"""Garbage collection: blobs that nothing names and nobody has uploaded for a while (docs/objects.md, "What is deleted").

It marks without a lock and deletes in small transactions that own the names of the organization: there what was marked is
looked at again, so that an upload, a proposal or a landing that came in between keeps what it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from gitslice.common.rows import fetch_rows
from gitslice.objects.naming import Naming, floors, namings, own_names
from gitslice.objects.removing import COLLECTED, drop_packs, object_grace

BATCH = 2_000  # blobs that one transaction deletes
FRESH = """
   coalesce(pack.fresh_at, pack.created_at) < %(before)s AND NOT EXISTS (
       SELECT FROM objects_blobclaim claim WHERE claim.blob_id = blob.id AND claim.created_at >= %(before)s)
"""
UNNAMED = f"""
SELECT blob.id, blob.pack_id, blob.length FROM objects_blob blob JOIN objects_pack pack ON pack.id = blob.pack_id
 WHERE blob.organization_id = %(organization)s AND {FRESH} AND {{unnamed}}
 ORDER BY blob.pack_id, blob.id
"""
STILL_UNNAMED = f"""
SELECT blob.id FROM objects_blob blob JOIN objects_pack pack ON pack.id = blob.pack_id
 WHERE blob.id = ANY(%(blobs)s) AND {FRESH} AND {{unnamed}}
"""
EMPTY = """
SELECT pack.id FROM objects_pack pack
 WHERE pack.organization_id = %(organization)s AND coalesce(pack.fresh_at, pack.created_at) < %(before)s
   AND NOT EXISTS (SELECT FROM objects_blob blob WHERE blob.pack_id = pack.id)
"""


@dataclass
class Collected:
    """What was deleted, or would be."""

    blobs: int = 0
    bytes: int = 0  # of their frames
    packs: int = 0  # that hold nothing any more


def upload_grace() -> timedelta:
    return timedelta(days=settings.GITSLICE_GC_GRACE_DAYS)


def collect(organization_id: int, *, grace: timedelta | None = None, dry_run: bool = False) -> Collected:
    """Delete the index rows of blobs that nothing has named since they were uploaded, longer than `grace` ago, and drop
    the packs that then hold none. Raises ServerBusy if the organization never rests; what was deleted until then is."""
    before = timezone.now() - (upload_grace() if grace is None else grace)
    with transaction.atomic():
        own_names(organization_id)
        known = floors()
    collected = Collected()
    for batch in _batches(_marked(organization_id, before)):
        if dry_run:
            _count(collected, batch)
        else:
            _delete(organization_id, before, known, batch, collected)
    empty = [pk for (pk,) in fetch_rows(EMPTY, {"organization": organization_id, "before": before})]
    if dry_run:
        collected.packs += len(empty)
    elif empty:
        _drop_empty(organization_id, before, collected)
    return collected


Marked = tuple[int, int, int]  # blob, pack, bytes of its frame


def _marked(organization_id: int, before: datetime) -> Iterator[Marked]:
    """Blobs that nothing names now, pack by pack. Nothing in Python holds them all."""
    unnamed = " AND ".join(_absent(naming) for naming in namings())
    parameters: dict[str, Any] = {"organization": organization_id, "before": before}
    with connection.chunked_cursor() as cursor:
        cursor.execute(UNNAMED.format(unnamed=unnamed), parameters)
        while rows := cursor.fetchmany(BATCH):
            yield from rows


def _delete(
    organization_id: int,
    before: datetime,
    known: dict[Naming, int],
    batch: list[Marked],
    collected: Collected,
) -> None:
    """What was marked, unless it was named or uploaded again since: names that the mark did not see have greater ids."""
    unnamed = " AND ".join(_absent(naming, above=known[naming]) for naming in known)
    parameters = {"blobs": [blob for blob, _, _ in batch], "before": before}
    with transaction.atomic():
        own_names(organization_id)
        doomed = {pk for (pk,) in fetch_rows(STILL_UNNAMED.format(unnamed=unnamed), parameters)}
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM objects_blobclaim WHERE blob_id = ANY(%s)", [list(doomed)])
            cursor.execute("DELETE FROM objects_blob WHERE id = ANY(%s)", [list(doomed)])
        packs = {pack for blob, pack, _ in batch if blob in doomed}
        collected.packs += drop_packs(packs, COLLECTED, object_grace())
    _count(collected, [row for row in batch if row[0] in doomed])


@transaction.atomic
def _drop_empty(organization_id: int, before: datetime, collected: Collected) -> None:
    """Packs whose blobs all lie in others."""
    own_names(organization_id)
    empty = [pk for (pk,) in fetch_rows(EMPTY, {"organization": organization_id, "before": before})]
    collected.packs += drop_packs(empty, COLLECTED, object_grace())


def _absent(naming: Naming, above: int | None = None) -> str:
    since = "" if above is None else f" AND name.id > {above:d}"
    return (
        f"NOT EXISTS (SELECT FROM {naming.table} name WHERE name.organization_id = blob.organization_id"
        f" AND name.{naming.column} = blob.digest{since})"
    )


def _count(collected: Collected, rows: list[Marked]) -> None:
    collected.blobs += len(rows)
    collected.bytes += sum(length for _, _, length in rows)


def _batches(rows: Iterator[Marked]) -> Iterator[list[Marked]]:
    batch: list[Marked] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
