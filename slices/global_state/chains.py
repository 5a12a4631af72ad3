"""What a batch does to the tree, and whether its rows are whole."""

from __future__ import annotations

from collections.abc import Collection

from gitslice.common.rows import fetch_row, fetch_rows
from gitslice_core.trees import Item
from slices.global_state.errors import BrokenChain

INCOMPLETE = """
SELECT done.seq, done.file_count, version.count FROM slices_commit done CROSS JOIN LATERAL (
    SELECT count(*) FROM slices_pathversion version
     WHERE version.organization_id = done.organization_id AND version.seq = done.seq) version
 WHERE done.organization_id = %s AND done.seq = ANY(%s) AND done.file_count <> version.count
 ORDER BY done.seq LIMIT 1
"""

# A version begins with the entry that the one before it left, and that one is merged already or in the batch.
GAP = """
SELECT version.path, version.seq, before.seq FROM slices_pathversion version
  LEFT JOIN LATERAL (
    SELECT seq, new_mode, new_digest FROM slices_pathversion earlier
     WHERE earlier.organization_id = version.organization_id AND earlier.path = version.path
       AND earlier.seq < version.seq ORDER BY earlier.seq DESC LIMIT 1) before ON TRUE
 WHERE version.organization_id = %s AND version.seq = ANY(%s)
   AND ((version.old_mode, version.old_digest) IS DISTINCT FROM (before.new_mode, before.new_digest)
     OR before.seq <> ALL(%s) AND NOT EXISTS (
        SELECT FROM slices_mergedcommit merged
         WHERE merged.organization_id = version.organization_id AND merged.seq = before.seq))
 ORDER BY version.seq, version.path LIMIT 1
"""

FINAL = """
SELECT DISTINCT ON (path) path, new_mode, new_digest FROM slices_pathversion
 WHERE organization_id = %s AND seq = ANY(%s) ORDER BY path, seq DESC
"""


def check_chains(organization_id: int, seqs: Collection[int]) -> None:
    """Raises BrokenChain that names the first path or commit of the batch whose versions have a gap."""
    batch = list(seqs)
    incomplete = fetch_row(INCOMPLETE, [organization_id, batch])
    if incomplete:
        seq, wanted, found = incomplete
        commit = _commit(organization_id, seq)
        raise BrokenChain(f"commit {commit[:12]} has {found} path versions, not {wanted}", commit=commit)
    gap = fetch_row(GAP, [organization_id, batch, batch])
    if gap:
        path, seq, before = gap
        commit = _commit(organization_id, seq)
        left = f"what commit {_commit(organization_id, before)[:12]} left" if before else "nothing"
        problem = f"{path} has a gap: commit {commit[:12]} does not begin with {left}"
        raise BrokenChain(problem, path=path, commit=commit)


def final_entries(organization_id: int, seqs: Collection[int]) -> dict[str, Item | None]:
    """What stands at the paths of the batch after it; None where nothing does."""
    rows = fetch_rows(FINAL, [organization_id, list(seqs)])
    return {path: Item(mode, bytes(digest)) if mode else None for path, mode, digest in rows}


def _commit(organization_id: int, seq: int) -> str:
    row = fetch_row(
        "SELECT digest FROM slices_commit WHERE organization_id = %s AND seq = %s", [organization_id, seq]
    )
    return bytes(row[0]).hex() if row else f"at {seq}"
