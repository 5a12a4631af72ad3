"""Finding files of a slice by a part of their path."""

from __future__ import annotations

from django.db import connection

from slices.models import Slice
from slices.patterns import patterns_of

ORDER = "(lower(path) LIKE %s) DESC, length(path), path"
FOUND = f"""
SELECT path FROM slices_pathhead
 WHERE organization_id = %s AND mode IS NOT NULL AND {{covered}} AND path ILIKE %s
 ORDER BY {ORDER} LIMIT %s
"""


def find_paths(slice: Slice, text: str, limit: int) -> list[str]:
    """Paths at the head that hold the words of `text` in this order; those whose file name ends so first, then shorter
    ones. Cost: a scan of the covered heads."""
    _, within, at_end = path_order(text)
    if not within:
        return []
    covered, values = patterns_of(slice).sql("path")
    with connection.cursor() as cursor:
        cursor.execute(FOUND.format(covered=covered), [slice.organization_id, *values, within, at_end, limit])
        return [path for (path,) in cursor]


def path_order(text: str) -> tuple[str, str, str]:
    """SQL for the order in which found paths are shown, and what is bound: the pattern of all paths that hold the words,
    and that of the first of them. Both are empty for no words."""
    escaped = [like_escaped(word) for word in text.split()]
    if not escaped:
        return ORDER, "", ""
    return ORDER, f"%{'%'.join(escaped)}%", f"%/%{escaped[-1].lower()}"


def like_escaped(text: str) -> str:
    """As a part of a pattern of LIKE in which nothing has a meaning of its own."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
