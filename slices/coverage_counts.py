"""How many files and bytes each set of slices covers, folder by folder. Derived: `manage.py rebuild_coverage`.

Folders are counted down to four levels; what lies deeper counts for the folder on the fourth. A worker follows the landings:
only what has changed since is looked at. A new definition may move every path, so then all of them are counted anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection, transaction

from gitslice.common.rows import fetch_row, fetch_rows
from slices.coverage import covering_slices
from slices.locks import stable_head
from slices.models import ROOT, CoverageCount, CoverageState, Slice
from slices.moments import Moment
from slices.patterns import patterns_of
from slices.snapshots import changes_query, entries_query

DEPTH = 4
BATCH = 20_000  # paths that are looked at together

DEFINITIONS = """
SELECT coalesce(md5(string_agg(slice.id || ':' || slice.definition_id, ',' ORDER BY slice.id)), '')
  FROM slices_slice slice WHERE slice.organization_id = %s
"""
OUTDATED = """
SELECT organization.id FROM accounts_organization organization
  LEFT JOIN slices_coveragestate state ON state.organization_id = organization.id
 WHERE EXISTS (SELECT FROM slices_commit done
                WHERE done.organization_id = organization.id AND done.seq > coalesce(state.seq, -1))
    OR state.definitions IS DISTINCT FROM (
        SELECT coalesce(md5(string_agg(slice.id || ':' || slice.definition_id, ',' ORDER BY slice.id)), '')
          FROM slices_slice slice WHERE slice.organization_id = organization.id)
 ORDER BY organization.id
"""

Key = tuple[str, tuple[int, ...]]  # folder, ids of the slices that cover


class Weight(NamedTuple):
    """Of a path: it counts for files and bytes, with a minus if it is gone."""

    path: str
    files: int
    bytes: int


def outdated_coverage() -> list[int]:
    """Organizations in which something landed, or a definition changed, that is not counted yet."""
    return [pk for (pk,) in fetch_rows(OUTDATED, [])]


def count_coverage(organization_id: int, *, anew: bool = False) -> bool:
    """Bring the counts to the newest commit; False if nothing has landed, or somebody else is at it.

    Cost: O(paths that landed since the last time); the whole tree at first, and when a definition has changed.
    """
    head = stable_head(organization_id)
    if head is None:
        return False
    root = Slice.objects.select_related("definition").get(organization=organization_id, name=ROOT)
    CoverageState.objects.get_or_create(organization_id=organization_id)
    with transaction.atomic():
        state = CoverageState.objects.select_for_update(skip_locked=True).filter(pk=organization_id).first()
        if state is None:
            return False
        definitions = fetch_row(DEFINITIONS, [organization_id])[0]  # type: ignore[index]
        if anew or state.definitions != definitions:
            CoverageCount.objects.filter(organization=organization_id).delete()
            weights = _standing(root, Moment(head.seq))
        else:
            weights = _changed(root, Moment(state.seq), head.moment)
        _add(organization_id, weights)
        state.seq, state.definitions = head.seq, definitions
        state.save()
    return True


def folder_of(path: str) -> str:
    """The folder that a path counts for; '' is the top."""
    return "/".join(path.split("/")[:-1][:DEPTH])


def _standing(root: Slice, moment: Moment) -> Iterator[Weight]:
    query = entries_query(root.organization_id, patterns_of(root), moment)
    for path, size in _rows(f"SELECT path, size FROM ({query.sql}) entry", query.parameters):
        yield Weight(path, 1, size)


def _changed(root: Slice, before: Moment, after: Moment) -> Iterator[Weight]:
    query = changes_query(root, before, after)
    sql = f"SELECT path, (mode IS NOT NULL)::int - (old_mode IS NOT NULL)::int, coalesce(size, 0) - coalesce(old_size, 0) FROM ({query.sql}) change"
    for row in _rows(sql, query.parameters):
        yield Weight(*row)


def _rows(sql: str, parameters: Sequence[Any]) -> Iterator[Any]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(BATCH):
            yield from rows


def _add(organization_id: int, weights: Iterator[Weight]) -> None:
    """Add these to the counts, which are read and written only for the folders that are concerned."""
    added: defaultdict[Key, list[int]] = defaultdict(lambda: [0, 0])
    while batch := list(islice(weights, BATCH)):
        covered: defaultdict[str, list[int]] = defaultdict(list)
        for pk, paths in sorted(covering_slices(organization_id, [weight.path for weight in batch]).items()):
            for path in paths:
                covered[path].append(pk)
        for weight in batch:
            count = added[folder_of(weight.path), tuple(covered.get(weight.path, ()))]
            count[0] += weight.files
            count[1] += weight.bytes
    concerned = CoverageCount.objects.filter(
        organization=organization_id, folder__in={folder for folder, _ in added}
    )
    for row in concerned:
        count = added[row.folder, tuple(row.slices)]
        count[0] += row.files
        count[1] += row.bytes
    concerned.delete()
    CoverageCount.objects.bulk_create(
        (
            CoverageCount(
                organization_id=organization_id, folder=folder, slices=list(slices), files=files, bytes=size
            )
            for (folder, slices), (files, size) in sorted(added.items())
            if files
        ),
        batch_size=2_000,
    )
