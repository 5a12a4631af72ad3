"""Which commits wait for the global state, and which of them depend on each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from gitslice.common.rows import fetch_rows
from gitslice_core.paths import ancestors
from slices.models import GlobalCommit, GlobalState, Slice

WAITING = """
SELECT done.seq, done.file_count FROM slices_commit done
 WHERE done.organization_id = %s AND done.seq > %s AND done.seq <= %s AND NOT EXISTS (
    SELECT FROM slices_mergedcommit merged WHERE merged.organization_id = done.organization_id AND merged.seq = done.seq)
 ORDER BY done.seq
"""

LOGGED = "SELECT DISTINCT seq FROM slices_slicelog WHERE slice_id = ANY(%s) AND seq = ANY(%s)"

CHANGED = """
SELECT path, seq, old_mode IS NULL FROM slices_pathversion WHERE organization_id = %s AND seq = ANY(%s)
"""

# Earlier versions of a path, or of a folder of it, and of what stood below a path that became a file.
EARLIER = """
SELECT DISTINCT version.seq FROM unnest(%(paths)s::text[], %(seqs)s::bigint[]) AS wanted(path, seq)
  JOIN slices_pathversion version ON version.organization_id = %(organization)s
   AND version.path = wanted.path COLLATE "C" AND version.seq > %(floor)s AND version.seq < wanted.seq
UNION
SELECT DISTINCT version.seq FROM unnest(%(added)s::text[], %(added_seqs)s::bigint[]) AS wanted(path, seq)
  JOIN slices_pathversion version ON version.organization_id = %(organization)s
   AND version.path > wanted.path || '/' COLLATE "C" AND version.path < wanted.path || '0' COLLATE "C"
   AND version.seq > %(floor)s AND version.seq < wanted.seq
"""

ORGANIZATIONS = """
SELECT organization.id FROM accounts_organization organization
  LEFT JOIN slices_globalstate state ON state.organization_id = organization.id
  LEFT JOIN slices_globalcommit head ON head.id = state.head_id
 WHERE EXISTS (
    SELECT FROM slices_commit done WHERE done.organization_id = organization.id AND done.seq > coalesce(head.floor, 0)
       AND NOT EXISTS (SELECT FROM slices_mergedcommit merged
                        WHERE merged.organization_id = organization.id AND merged.seq = done.seq))
"""


def global_head(organization_id: int) -> GlobalCommit | None:
    """The newest global commit; None before the first batch merge."""
    state = GlobalState.objects.select_related("head").filter(pk=organization_id).first()
    return state.head if state else None


def waiting_commits(organization_id: int, head: GlobalCommit | None, until: int) -> dict[int, int]:
    """seq -> number of paths, in landing order, of the commits up to seq `until` that are in no global commit."""
    floor = head.floor if head else 0
    return dict(fetch_rows(WAITING, [organization_id, floor, until]))


def waiting_organizations() -> list[int]:
    """Organizations in which something waits."""
    return [pk for (pk,) in fetch_rows(ORGANIZATIONS, [])]


def landed_in(slices: Sequence[Slice], seqs: Collection[int]) -> set[int]:
    """Those of the commits that are in the log of one of the slices."""
    if any(slice.is_root for slice in slices):
        return set(seqs)
    return {seq for (seq,) in fetch_rows(LOGGED, [[slice.pk for slice in slices], list(seqs)])}


def with_dependencies(organization_id: int, seqs: Collection[int], waiting: Collection[int]) -> set[int]:
    """These commits and the waiting ones that they depend on: who changed one of their paths before, or made room for it
    by taking away a file or folder that stood there."""
    chosen = set(seqs)
    new = chosen
    floor = min(waiting, default=0) - 1
    while new:
        new = (_earlier(organization_id, new, floor) & set(waiting)) - chosen
        chosen |= new
    return chosen


def _earlier(organization_id: int, seqs: Collection[int], floor: int) -> set[int]:
    changed = fetch_rows(CHANGED, [organization_id, list(seqs)])
    wanted = list(_places(changed))
    added = [(path, seq) for path, seq, is_new in changed if is_new]
    parameters = {
        "organization": organization_id,
        "floor": floor,
        "paths": [path for path, _ in wanted],
        "seqs": [seq for _, seq in wanted],
        "added": [path for path, _ in added],
        "added_seqs": [seq for _, seq in added],
    }
    return {seq for (seq,) in fetch_rows(EARLIER, parameters)}


def _places(changed: Sequence[tuple[str, int, bool]]) -> Iterator[tuple[str, int]]:
    """The changed paths, and the folders of new ones, which may have been files."""
    for path, seq, is_new in changed:
        yield path, seq
        if is_new:
            for folder in ancestors(path):
                yield folder, seq
