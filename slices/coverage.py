"""Which slices cover a path."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
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
    if not paths:
        return {}
    below = _Below(paths)
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, [organization_id, below.prefixes()])
        rows = cursor.fetchall()
    covering = {}
    for slice_id, prefixes, digest, includes, excludes in rows:
        patterns = compiled(bytes(digest), _patterns(includes), _patterns(excludes))
        covered = patterns.covered(below.paths(prefixes))
        if covered:
            covering[slice_id] = covered
    return covering


class _Below:
    """Paths by the prefixes that a slice which covers them may have: '', their folders, and they themselves."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._in_folder: dict[str, list[str]] = {}
        for path in dict.fromkeys(paths):
            self._in_folder.setdefault(path.rpartition("/")[0], []).append(path)
        self._folders: dict[str, list[str]] = {}
        for folder in self._in_folder:
            for prefix in {"", *ancestors(folder), folder}:
                self._folders.setdefault(prefix, []).append(folder)
        self._paths = frozenset(paths)

    def prefixes(self) -> list[str]:
        return list(self._folders.keys() | self._paths)

    def paths(self, prefixes: Collection[str]) -> Iterator[str]:
        """Each path that is one of the prefixes or lies below one, once."""
        folders = {folder for prefix in prefixes for folder in self._folders.get(prefix, ())}
        for folder in folders:
            yield from self._in_folder[folder]
        for prefix in prefixes:
            if prefix in self._paths and prefix.rpartition("/")[0] not in folders:
                yield prefix


def _patterns(column: Any) -> list[str]:
    """A JSON column, which Django leaves to its own field to decode."""
    return orjson.loads(column) if isinstance(column, str | bytes) else column
