"""Finding files of a slice by a part of their path."""

from __future__ import annotations

from django.db import connection

from slices.models import Slice
from slices.patterns import patterns_of

FOUND = """
SELECT path FROM slices_pathhead
 WHERE organization_id = %s AND mode IS NOT NULL AND {covered} AND path ILIKE %s
 ORDER BY (lower(path) LIKE %s) DESC, length(path), path LIMIT %s
"""


def find_paths(slice: Slice, text: str, limit: int) -> list[str]:
    """Paths at the head that hold the words of `text` in this order; those whose file name ends so first, then shorter
    ones. Cost: a scan of the covered heads."""
    words = text.split()
    if not words:
        return []
    escaped = [word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") for word in words]
    covered, values = patterns_of(slice).sql("path")
    within, at_end = f"%{'%'.join(escaped)}%", f"%/%{escaped[-1].lower()}"
    with connection.cursor() as cursor:
        cursor.execute(FOUND.format(covered=covered), [slice.organization_id, *values, within, at_end, limit])
        return [path for (path,) in cursor]
