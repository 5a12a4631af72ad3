"""How many files and bytes a slice has at its head. Counted in the database, remembered in the cache.

What is remembered is (seq, files, bytes) of a slice and definition. When the head has moved on, only the changes since
are counted. The cache may be flushed at any time; the next question counts anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db import connection

from gitslice.telemetry.metrics import CACHE
from slices.models import Slice
from slices.moments import Moment
from slices.patterns import definition_of, patterns_of
from slices.snapshots import Query, changes_query, entries_query

KEPT_SECONDS = 30 * 24 * 3600

COUNT = (
    "SELECT {slice} AS slice, count(*) AS files, coalesce(sum(size), 0)::bigint AS bytes FROM ({query}) entry"
)
COUNT_CHANGES = (
    "SELECT {slice} AS slice, count(mode) - count(old_mode) AS files,"
    " (coalesce(sum(size), 0) - coalesce(sum(old_size), 0))::bigint AS bytes FROM ({query}) change"
)


class Size(NamedTuple):
    """Files and bytes of a slice when `seq` had landed."""

    seq: int
    files: int
    bytes: int


def sizes(heads: Mapping[Slice, Moment | None]) -> dict[int, Size]:
    """Slice id -> size, for slices (definition loaded) and the moment of each, None while nothing has landed.

    One cache question and at most one query for all of them.
    """
    known = cache.get_many([_key(slice) for slice in heads])
    result: dict[int, Size] = {}
    behind: dict[int, tuple[Slice, Size | None, Moment]] = {}
    for slice, moment in heads.items():
        remembered = known.get(_key(slice))
        before = Size(*remembered) if remembered else None
        if moment is None:
            result[slice.pk] = Size(0, 0, 0)
        elif before and moment == Moment(before.seq):
            result[slice.pk] = before
        else:
            behind[slice.pk] = (slice, before, moment)
    CACHE.labels("sizes", "hit").inc(len(result))
    CACHE.labels("sizes", "miss").inc(len(behind))
    counted = _count(behind)
    kept = {
        _key(slice): tuple(counted[pk]) for pk, (slice, _, moment) in behind.items() if not moment.left_out
    }
    if kept:
        cache.set_many(kept, KEPT_SECONDS)
    return result | counted


def size_of(slice: Slice, moment: Moment | None) -> Size:
    return sizes({slice: moment})[slice.pk]


def _count(behind: Mapping[int, tuple[Slice, Size | None, Moment]]) -> dict[int, Size]:
    if not behind:
        return {}
    queries = [_query(*facts) for facts in behind.values()]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(query.sql for query in queries), _parameters(queries))
        rows = cursor.fetchall()
    counted = {}
    for pk, files, size in rows:
        _, before, (seq, _) = behind[pk]
        counted[pk] = (
            Size(seq, files + before.files, size + before.bytes) if before else Size(seq, files, size)
        )
    return counted


def _query(slice: Slice, before: Size | None, moment: Moment) -> Query:
    if before is None:
        query, template = entries_query(slice.organization_id, patterns_of(slice), moment), COUNT
    else:
        query, template = changes_query(slice, Moment(before.seq), moment), COUNT_CHANGES
    return Query(template.format(slice=int(slice.pk), query=query.sql), query.parameters)


def _parameters(queries: Iterable[Query]) -> list[Any]:
    return [value for query in queries for value in query.parameters]


def _key(slice: Slice) -> str:
    return f"slice-size:{slice.pk}:{bytes(definition_of(slice).digest).hex()}"
