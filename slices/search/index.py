"""The texts that are searched: those at the path heads. Derived: `manage.py rebuild_search` makes them anew.

They follow the landings: `SearchState` says up to which commit, so that a worker looks at what has landed since and at
nothing else, and whoever is killed begins there again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from django.db import connection, transaction

from gitslice.common.rows import fetch_rows
from gitslice.objects.services import read_blobs
from gitslice_core.diff import is_binary
from slices.entries import SYMLINK
from slices.locks import stable_head
from slices.models import SearchState

MAX_TEXT_BYTES = 1 << 20  # a larger file is found by its path alone
BATCH_BYTES = 8 << 20
BATCH = 500  # files that are written together

STALE = """
SELECT coalesce(head.path, text.path), head.mode, head.digest, head.size
  FROM (SELECT path, mode, digest, size FROM slices_pathhead WHERE organization_id = %s AND {chosen}) head
  FULL JOIN (SELECT path, digest FROM slices_searchtext WHERE organization_id = %s AND {chosen}) text
    ON text.path = head.path
 WHERE head.digest IS DISTINCT FROM text.digest
"""
KEEP = """
INSERT INTO slices_searchtext (organization_id, path, digest, text)
SELECT head.organization_id, head.path, head.digest, wanted.text
  FROM unnest(%s::text[], %s::bytea[], %s::text[]) AS wanted(path, digest, text)
  JOIN slices_pathhead head ON head.organization_id = %s AND head.path = wanted.path COLLATE "C"
                           AND head.digest = wanted.digest
 ORDER BY head.path
ON CONFLICT (organization_id, path) DO UPDATE SET digest = excluded.digest, text = excluded.text
"""
FORGET = """
DELETE FROM slices_searchtext text WHERE organization_id = %s AND path = ANY(%s) AND NOT EXISTS (
    SELECT FROM slices_pathhead head
     WHERE head.organization_id = text.organization_id AND head.path = text.path AND head.mode IS NOT NULL)
"""


OUTDATED = """
SELECT organization.id FROM accounts_organization organization
  LEFT JOIN slices_searchstate state ON state.organization_id = organization.id
 WHERE EXISTS (SELECT FROM slices_commit done
                WHERE done.organization_id = organization.id AND done.seq > coalesce(state.seq, -1))
 ORDER BY organization.id
"""
LANDED = """
SELECT DISTINCT path FROM slices_pathversion WHERE organization_id = %s AND seq > %s AND seq <= %s
"""


class Stale(NamedTuple):
    """A path whose text is not that of its head; without a mode the file is gone."""

    path: str
    mode: str | None
    digest: bytes | None
    size: int


def outdated_organizations() -> list[int]:
    """Those in which something has landed that is not in the texts yet."""
    return [pk for (pk,) in fetch_rows(OUTDATED, [])]


def follow(organization_id: int) -> int:
    """Bring the texts to the newest commit; gives the number of those that were not.

    Cost: O(paths that landed since the last time); the whole tree the first time.
    """
    head = stable_head(organization_id)
    if head is None:
        return 0
    state = SearchState.objects.filter(pk=organization_id).first()
    if state is None:
        changed = refresh(organization_id)
    else:
        landed = fetch_rows(LANDED, [organization_id, state.seq, head.seq])
        changed = refresh(organization_id, [path for (path,) in landed])
    SearchState.objects.update_or_create(pk=organization_id, defaults={"seq": head.seq})
    return changed


def refresh(organization_id: int, paths: Collection[str] | None = None) -> int:
    """Bring the texts of these paths, or of all, to the heads; gives the number of those that were not. Whoever else does
    so at the same time does no harm: what is written is what the head still has, and a query compares again."""
    stale = _stale(organization_id, paths)
    gone = [found.path for found in stale if found.mode is None]
    for start in range(0, len(gone), BATCH):
        with connection.cursor() as cursor:
            cursor.execute(FORGET, [organization_id, gone[start : start + BATCH]])
    for batch in _batches([found for found in stale if found.mode is not None]):
        _keep(organization_id, batch)
    return len(stale)


def rebuild(organization_id: int) -> int:
    """Forget all texts of the organization and make them anew; gives their number."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM slices_searchtext WHERE organization_id = %s", [organization_id])
    return refresh(organization_id)


def searchable(content: bytes) -> str | None:
    """The text of a file with plain line feeds; None for what is no text."""
    if is_binary(content) or b"\0" in content:
        return None
    return content.decode(errors="replace").replace("\r\n", "\n")


def _stale(organization_id: int, paths: Collection[str] | None) -> list[Stale]:
    chosen = "TRUE" if paths is None else "path = ANY(%s)"
    values = [] if paths is None else [list(paths)]
    parameters: list[Any] = [organization_id, *values, organization_id, *values]
    with connection.cursor() as cursor:
        cursor.execute(STALE.format(chosen=chosen), parameters)
        return [Stale(path, mode, digest and bytes(digest), size or 0) for path, mode, digest, size in cursor]


def _keep(organization_id: int, batch: list[Stale]) -> None:
    wanted = {found.digest for found in batch if found.digest and _may_be_text(found)}
    contents = read_blobs(organization_id, wanted) if wanted else {}
    texts = [searchable(contents[found.digest]) if found.digest in contents else None for found in batch]
    rows: list[Any] = [[found.path for found in batch], [found.digest for found in batch], texts]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(KEEP, [*rows, organization_id])


def _may_be_text(found: Stale) -> bool:
    return found.mode != SYMLINK and found.size <= MAX_TEXT_BYTES


def _batches(stale: list[Stale]) -> Iterator[list[Stale]]:
    batch: list[Stale] = []
    size = 0
    for found in stale:
        weight = found.size if _may_be_text(found) else 0
        if batch and (len(batch) == BATCH or size + weight > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(found)
        size += weight
    if batch:
        yield batch
