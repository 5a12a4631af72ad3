"""Which slices cover a path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from django.db import connection

from gitslice_core.paths import ancestors
from slices.patterns import compiled

CANDIDATES = """
SELECT prefix.slice_id, array_agg(prefix.prefix), definition.digest, definition.includes, definition.excludes
  FROM slices_sliceprefix prefix
  JOIN slices_slice slice ON slice.id = prefix.slice_id
  JOIN slices_definition definition ON definition.id = slice.definition_id
 WHERE prefix.organization_id = %s AND prefix.prefix = ANY(%s)
 GROUP BY prefix.slice_id, definition.id
"""


def covering_slices(organization_id: int, paths: Sequence[str]) -> dict[int, list[str]]:
    """Slice id -> those of `paths` that its current definition covers, for every slice that covers one; root left out.

    One query, whatever the number of slices and paths. It holds for as long as the caller shares the epoch lock.
    """
    below = _paths_below(paths)
    if not below:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, [organization_id, list(below)])
        rows = cursor.fetchall()
    covering = {}
    for slice_id, prefixes, digest, includes, excludes in rows:
        patterns = compiled(bytes(digest), _patterns(includes), _patterns(excludes))
        candidates = dict.fromkeys(path for prefix in prefixes for path in below[prefix])
        covered = patterns.covered(candidates)
        if covered:
            covering[slice_id] = covered
    return covering


def _paths_below(paths: Sequence[str]) -> dict[str, list[str]]:
    """Every prefix that a covering slice may have -> the paths that are it or lie below it."""
    below: dict[str, list[str]] = {}
    for path in paths:
        for prefix in {"", path, *ancestors(path)}:
            below.setdefault(prefix, []).append(path)
    return below


def _patterns(column: Any) -> list[str]:
    """A JSON column, which Django leaves to its own field to decode."""
    return orjson.loads(column) if isinstance(column, str | bytes) else column
