"""Who names a blob, and the locks by which garbage collection never takes what is being named (docs/objects.md).

Uploads, and transactions that write the first name of an uploaded blob, hold the names of the organization in share
mode until they commit: they never wait for each other. Whoever deletes index rows holds them alone, for a moment.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection
from typing import NamedTuple

from django.db import connection

from gitslice.common.errors import ServerBusy
from gitslice.common.rows import fetch_row, fetch_rows

PATIENCE = 60
NAMES = "hashtext('gitslice.objects.names'), %s::int"
STORED = "SELECT count(*) FROM objects_blob WHERE organization_id = %s AND digest = ANY(%s)"


class Naming(NamedTuple):
    """A column of a table that only grows (or whose rows never change their digest), with `id` and `organization_id`."""

    table: str
    column: str


_namings: list[Naming] = []


def blobs_are_named_in(table: str, column: str) -> None:
    """Tell that rows of the table keep the blobs alive that they name. Apps do so when they are ready."""
    naming = Naming(table, column)
    if naming not in _namings:
        _namings.append(naming)


def namings() -> tuple[Naming, ...]:
    return tuple(_namings)


def share_names(organization_id: int) -> None:
    """What is stored now stays stored until the caller's transaction ends."""
    _execute(f"SELECT pg_advisory_xact_lock_shared({NAMES})", [organization_id])


def share_names_and_object(organization_id: int, digest: bytes) -> None:
    """As `share_names`, and nobody deletes this pack's object either."""
    _execute(
        f"SELECT pg_advisory_xact_lock_shared({NAMES}), pg_advisory_xact_lock_shared(%s)",
        [organization_id, _object_key(organization_id, digest)],
    )


def own_names(organization_id: int) -> None:
    """Nobody uploads or names until the transaction ends. It asks again and again and never queues, so that nobody has to
    wait behind it. Raises ServerBusy after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while True:
        row = fetch_row(f"SELECT pg_try_advisory_xact_lock({NAMES})", [organization_id])
        if row and row[0]:
            return
        if time.monotonic() > deadline:
            raise ServerBusy("uploads and landings leave no moment for it")
        time.sleep(0.01)


def own_object(organization_id: int, digest: bytes) -> None:
    """Nobody indexes this pack until the transaction ends."""
    _execute("SELECT pg_advisory_xact_lock(%s)", [_object_key(organization_id, digest)])


def require_stored(organization_id: int, digests: Collection[bytes]) -> None:
    """Hold blobs that were stored before this transaction began, and are named in it. Raises ServerBusy if one of them was
    collected meanwhile."""
    wanted = set(digests)
    if not wanted:
        return
    share_names(organization_id)
    row = fetch_row(STORED, [organization_id, list(wanted)])
    if not row or row[0] < len(wanted):
        raise ServerBusy("the content was stored too long ago")


def floors() -> dict[Naming, int]:
    """The greatest id of each table that names blobs. For who owns the names: later names have greater ids."""
    found = {}
    for naming in namings():
        ((last,),) = fetch_rows(f"SELECT coalesce(max(id), 0) FROM {naming.table}", [])
        found[naming] = last
    return found


def _object_key(organization_id: int, digest: bytes) -> int:
    content = hashlib.sha256(b"object %d " % organization_id + bytes(digest)).digest()
    return int.from_bytes(content[:8], "big", signed=True)


def _execute(sql: str, parameters: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
