"""The locks of landing. All hold until the transaction ends; order: epoch, slices, paths.

Everybody takes them in this order, and each kind in sorted order, so nobody waits in a circle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from typing import Any

from django.db import connection, transaction

from gitslice.common.rows import Columns, fetch_rows
from gitslice.telemetry.metrics import LOCK_WAIT, timed
from slices.models import Commit, Slice

SLICE = Columns(Slice, "slice")
LOCK_SLICES = f"SELECT {SLICE.sql} FROM slices_slice slice WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"

MAX_PATH_LOCKS = 256  # more added paths than this lock the tree's structure as a whole


def share_epoch(organization_id: int) -> None:
    """Hold the definitions of the organization as they are; many may at once."""
    with timed(LOCK_WAIT.labels("epoch")):
        _execute("SELECT pg_advisory_xact_lock_shared(%s)", [lock_key("epoch", organization_id)])


def own_epoch(organization_id: int) -> None:
    """Wait until no landing runs, and keep new ones from starting."""
    with timed(LOCK_WAIT.labels("epoch_alone")):
        _execute("SELECT pg_advisory_xact_lock(%s)", [lock_key("epoch", organization_id)])


def lock_slices(slice_ids: Collection[int]) -> dict[int, Slice]:
    """Lock the rows in id order and return them as they are now."""
    with timed(LOCK_WAIT.labels("slices")):
        slices = [SLICE.take(iter(row)) for row in fetch_rows(LOCK_SLICES, [list(slice_ids)])]
    return {slice.pk: slice for slice in slices}


def lock_added_paths(organization_id: int, added: Collection[str]) -> None:
    """Nobody else may add these paths, their folders as files, or anything below them as a file, until we commit.

    An added path is locked exclusively, its ancestors shared: two additions wait for each other only where one
    of them is, or lies below, the other.
    """
    if not added:
        return
    with timed(LOCK_WAIT.labels("paths")):
        _lock_paths(lock_key("structure", organization_id), organization_id, added)


def _lock_paths(structure: int, organization_id: int, added: Collection[str]) -> None:
    if len(added) > MAX_PATH_LOCKS:
        _execute("SELECT pg_advisory_xact_lock(%s)", [structure])
        return
    exclusive = {lock_key("path", organization_id, path) for path in added}
    shared = {lock_key("path", organization_id, folder) for folder in folders_of(added)} - exclusive
    keys = sorted(exclusive | shared)
    _execute(
        "SELECT pg_advisory_xact_lock_shared(%s)::text UNION ALL"
        " SELECT CASE WHEN own THEN pg_advisory_xact_lock(key)::text ELSE pg_advisory_xact_lock_shared(key)::text END"
        " FROM unnest(%s::bigint[], %s::boolean[]) AS wanted(key, own)",
        [structure, keys, [key in exclusive for key in keys]],
    )


def folders_of(paths: Iterable[str]) -> set[str]:
    """All folders that the paths stand in."""
    folders: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


@transaction.atomic
def stable_head(organization_id: int) -> Commit | None:
    """The newest commit of the organization, when no commit with a smaller seq can still appear.

    Numbers are allocated under the shared epoch lock, so owning it for a moment waits for those in flight.
    """
    own_epoch(organization_id)
    return Commit.objects.filter(organization_id=organization_id).order_by("-seq").first()


def lock_key(*parts: object) -> int:
    """A signed 64-bit key for a named thing. A collision only makes two landings wait for each other."""
    text = "\0".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big", signed=True)


def _execute(sql: str, params: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
