"""Pictures of a tree, read from the counts of what slices cover: which slices share files, and what stands in a folder.

Whoever reads is told of the slices that they see, and of the files that one of these covers. All else does not exist here:
neither its folders nor its sizes. Root, which covers everything, is no slice of these pictures.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from gitslice.common.rows import fetch_rows
from slices.global_state.reading import Sight
from slices.models import CoverageState

MOST_AREAS = 300

# The slices of each count that the reader sees: `seen`, NULL where there is none.
SEEN = """
SELECT count.folder, count.files, count.bytes, seen.slices AS seen FROM slices_coveragecount count
 CROSS JOIN LATERAL (SELECT array_agg(id ORDER BY id) AS slices FROM unnest(count.slices) id WHERE id = ANY(%s)) seen
 WHERE count.organization_id = %s
"""
SIZES = f"""
SELECT id, sum(files)::bigint, coalesce(sum(files) FILTER (WHERE cardinality(seen) > 1), 0)::bigint
  FROM ({SEEN}) count, unnest(seen) id GROUP BY id
"""
SHARED = f"""
SELECT one, other, sum(files)::bigint FROM ({SEEN}) count, unnest(seen) one, unnest(seen) other
 WHERE one < other GROUP BY one, other
"""
AREAS = f"""
SELECT split_part(substr(folder, %s), '/', 1) AS outer, split_part(substr(folder, %s), '/', 2) AS inner, seen,
       sum(files)::bigint AS files, sum(bytes)::bigint
  FROM ({SEEN} AND count.folder >= %s COLLATE "C" AND count.folder < %s COLLATE "C") count
 WHERE seen IS NOT NULL OR %s GROUP BY 1, 2, 3 ORDER BY files DESC, 1, 2 LIMIT %s
"""
TOP = "\U0010ffff"  # behind every folder


class Sharing(NamedTuple):
    """Files of a slice, and how many of these another slice that the reader sees covers too."""

    files: int
    shared: int


class Area(NamedTuple):
    """What exactly these slices cover in the folder `inner` of the folder `outer`; empty names stand for what lies directly
    in the folder that is looked at, or in `outer`."""

    outer: str
    inner: str
    slices: tuple[int, ...]
    files: int
    bytes: int


def counted_at(organization_id: int) -> datetime | None:
    """When the counts were last brought up to date; None before the first time."""
    state = CoverageState.objects.filter(pk=organization_id).first()
    return state.counted_at if state else None


def sharing(sight: Sight) -> dict[int, Sharing]:
    """Slice id -> how much it shares, for those that cover a file."""
    rows = fetch_rows(SIZES, [_seen(sight), sight.organization.pk])
    return {pk: Sharing(files, shared) for pk, files, shared in rows}


def shared_files(sight: Sight, slices: Collection[int]) -> Mapping[tuple[int, int], int]:
    """(smaller id, larger id) -> the number of files that both cover. Cost: O(counts x slices of each that are asked for)."""
    chosen = [pk for pk in _seen(sight) if pk in slices]
    return {(one, other): files for one, other, files in fetch_rows(SHARED, [chosen, sight.organization.pk])}


def areas(sight: Sight, folder: str) -> tuple[list[Area], bool]:
    """The largest areas below a folder ('' is the top), by files; and whether there are smaller ones."""
    skip = len(folder) + 2 if folder else 1
    low, high = (f"{folder}/", f"{folder}0") if folder else ("", TOP)
    values = [skip, skip, _seen(sight), sight.organization.pk, low, high, sight.all, MOST_AREAS + 1]
    rows = fetch_rows(AREAS, values)
    found = [Area(outer, inner, tuple(seen or ()), files, size) for outer, inner, seen, files, size in rows]
    if folder:
        found += _directly_in(sight, folder)
    return found[:MOST_AREAS], len(found) > MOST_AREAS


def _directly_in(sight: Sight, folder: str) -> list[Area]:
    values = [1, 1, _seen(sight), sight.organization.pk, folder, f"{folder}\x01", sight.all, MOST_AREAS]
    return [
        Area("", "", tuple(seen or ()), files, size) for _, _, seen, files, size in fetch_rows(AREAS, values)
    ]


def _seen(sight: Sight) -> list[int]:
    return [pk for pk, slice in sight.slices.items() if not slice.is_root]
