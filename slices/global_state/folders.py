"""Which folders a global commit changed, as far as the reader sees their paths."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from accounts.models import User
from gitslice.common.rows import fetch_rows
from slices.models import GlobalCommit
from slices.search.sight import sight_of

MOST_FOLDERS = 20
MOST_PATHS = 200_000  # of a global commit, above which nobody waits for the count

CHANGED = """
SELECT CASE WHEN strpos(path, '/') = 0 THEN '' ELSE regexp_replace(path, '^([^/]+(?:/[^/]+)?)/.*$', '\\1') END AS folder,
       count(DISTINCT path) AS paths
  FROM slices_pathversion WHERE organization_id = %s AND seq = ANY(%s) AND {seen}
 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s
"""


class ChangedFolder(NamedTuple):
    """A folder, of two levels at most ('' is the top), and the number of paths that changed in it."""

    folder: str
    paths: int


def changed_folders(reader: User, commit: GlobalCommit, seqs: Collection[int]) -> list[ChangedFolder]:
    """Those with most changes first; none for a very large commit. Cost: O(paths of the commit)."""
    if commit.path_count > MOST_PATHS:
        return []
    seen, values = sight_of(reader, commit.organization).sql("path")
    sql = CHANGED.format(seen=seen)
    return [
        ChangedFolder(*row)
        for row in fetch_rows(sql, [commit.organization_id, list(seqs), *values, MOST_FOLDERS])
    ]
