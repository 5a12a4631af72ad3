"""Global commits recomputed from the commits in them: what fsck compares with, and where lost tree nodes come from."""

from __future__ import annotations

from collections.abc import Iterator

from gitslice.common.rows import fetch_rows
from gitslice_core.trees import TreeError
from slices.global_state.chains import final_entries
from slices.global_state.digests import GlobalFacts, global_digest
from slices.global_state.merging import DIGESTS
from slices.global_state.nodes import load_nodes, store_nodes, stored_trees
from slices.models import GlobalCommit

MEMBERS = "SELECT seq FROM slices_mergedcommit WHERE organization_id = %s AND number = %s ORDER BY seq"
STRAY = """
SELECT merged.seq FROM slices_mergedcommit merged WHERE merged.organization_id = %s AND (NOT EXISTS (
    SELECT FROM slices_commit done WHERE done.organization_id = merged.organization_id AND done.seq = merged.seq)
  OR NOT EXISTS (SELECT FROM slices_globalcommit global
                  WHERE global.organization_id = merged.organization_id AND global.number = merged.number))
"""


def global_findings(organization_id: int) -> Iterator[tuple[str, str]]:
    """(subject, problem) of everything in the global state that does not follow from the commits in it."""
    before: GlobalCommit | None = None
    for merged in _history(organization_id):
        name = f"global commit {merged}"
        seqs = members(merged)
        if merged.number != (before.number + 1 if before else 1) or merged.parent_id != (
            before and before.pk
        ):
            yield name, "does not follow the one before"
        if len(seqs) != merged.commit_count:
            yield name, f"has {len(seqs)} commits, not {merged.commit_count}"
        if global_digest(_facts(merged, seqs)) != bytes(merged.digest):
            yield name, "its content does not have its digest"
        problem = _tree_problem(merged, before, seqs)
        if problem:
            yield name, problem
        before = merged
    for (seq,) in fetch_rows(STRAY, [organization_id]):
        yield f"seq {seq}", "is in the global state, and is no commit or in no global commit"


def rebuild_trees(organization_id: int) -> int:
    """Make every tree anew from the commits, and store the nodes that are missing or damaged; gives the number of global
    commits. Raises TreeError if the commits do not give the recorded tree."""
    tree: bytes | None = None
    count = 0
    for merged in _history(organization_id):
        trees = stored_trees(organization_id)
        tree = trees.changed(tree, final_entries(organization_id, members(merged)))
        store_nodes(organization_id, trees.made)
        if tree != bytes(merged.tree):
            raise TreeError(f"the commits in {merged} do not give its tree")
        count += 1
    return count


def members(merged: GlobalCommit) -> list[int]:
    """The seqs of the commits in the global commit."""
    return [seq for (seq,) in fetch_rows(MEMBERS, [merged.organization_id, merged.number])]


def _history(organization_id: int) -> Iterator[GlobalCommit]:
    commits = GlobalCommit.objects.filter(organization=organization_id).select_related("parent")
    return commits.order_by("number").iterator(chunk_size=500)


def _facts(merged: GlobalCommit, seqs: list[int]) -> GlobalFacts:
    digests = fetch_rows(DIGESTS, [merged.organization_id, seqs])
    return GlobalFacts(
        parent=bytes(merged.parent.digest) if merged.parent else None,
        number=merged.number,
        tree=bytes(merged.tree),
        salt=bytes(merged.salt),
        author_id=merged.author_id,
        merged_at=merged.merged_at,
        commits=[bytes(digest) for (digest,) in digests],
    )


def _tree_problem(merged: GlobalCommit, before: GlobalCommit | None, seqs: list[int]) -> str | None:
    organization_id = merged.organization_id
    trees = stored_trees(organization_id)
    try:
        tree = trees.changed(bytes(before.tree) if before else None, final_entries(organization_id, seqs))
    except TreeError as error:
        return f"its tree cannot be recomputed: {error}"
    if tree != bytes(merged.tree):
        return "the commits in it do not give its tree"
    if len(load_nodes(organization_id, trees.made)) < len(trees.made):
        return "nodes of its tree are missing or damaged: manage.py rebuild_trees"
    return None
