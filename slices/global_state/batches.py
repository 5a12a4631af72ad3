"""What a batch merge would do, worked out without writing anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from accounts.models import Organization
from gitslice_core.trees import TreeError
from slices.global_state.chains import check_chains, final_entries
from slices.global_state.errors import BrokenTree
from slices.global_state.nodes import stored_trees
from slices.global_state.pending import global_head, landed_in, waiting_commits, with_dependencies
from slices.locks import stable_head
from slices.models import GlobalCommit, Slice

MOST_PATHS = 200_000  # that one batch changes, unless a single commit has more: what a worker can hold


Progress = Callable[[str, int], None]  # told what was done, to how many paths


def untold(step: str, paths: int) -> None:
    """For who does not want to know."""


@dataclass(frozen=True)
class Limits:
    """What may be in a batch: at most so many commits; only those of these slices, and what they depend on."""

    commits: int | None = None
    slices: Sequence[Slice] = ()


EVERYTHING = Limits()


@dataclass(frozen=True)
class Batch:
    """The next global commit. `seqs` are its commits in landing order; `pulled_in` those of them that only others depend
    on; `left` how many go on waiting."""

    organization: Organization
    parent: GlobalCommit | None
    seqs: list[int]
    pulled_in: frozenset[int]
    left: int
    floor: int
    path_count: int
    tree: bytes
    nodes: Mapping[bytes, bytes]

    @property
    def number(self) -> int:
        return self.parent.number + 1 if self.parent else 1

    @property
    def last_seq(self) -> int:
        return max(self.seqs[-1], self.parent.last_seq if self.parent else 0)


def plan_batch(
    organization: Organization, limits: Limits = EVERYTHING, progress: Progress = untold
) -> Batch | None:
    """The batch that would be merged now; None if nothing waits. Raises GlobalBlocked.

    Cost: O(changed paths x depth), whatever the size of the tree.
    """
    horizon = stable_head(organization.pk)
    if horizon is None:
        return None
    parent = global_head(organization.pk)
    waiting = waiting_commits(organization.pk, parent, horizon.seq)
    seqs, pulled_in = _chosen(organization, waiting, limits)
    if not seqs:
        return None
    chosen = set(seqs)
    left = [seq for seq in waiting if seq not in chosen]
    progress("chosen", sum(waiting[seq] for seq in seqs))
    tree, nodes, path_count = _merged_tree(organization.pk, parent, seqs, progress)
    return Batch(
        organization=organization,
        parent=parent,
        seqs=seqs,
        pulled_in=pulled_in & chosen,
        left=len(left),
        floor=(left[0] - 1) if left else horizon.seq,
        path_count=path_count,
        tree=tree,
        nodes=nodes,
    )


def _chosen(
    organization: Organization, waiting: Mapping[int, int], limits: Limits
) -> tuple[list[int], frozenset[int]]:
    """The commits of the batch in landing order, and those that nobody asked for. What a commit depends on landed before
    it, so that the first of them never miss anything."""
    seqs, pulled_in = list(waiting), frozenset[int]()
    if limits.slices:
        asked = landed_in(limits.slices, waiting)
        needed = with_dependencies(organization.pk, asked, waiting)
        seqs, pulled_in = sorted(needed), frozenset(needed - asked)
    if limits.commits is not None:
        seqs = seqs[: limits.commits]
    paths = 0
    for place, seq in enumerate(seqs):
        paths += waiting[seq]
        if place and paths > MOST_PATHS:
            return seqs[:place], pulled_in
    return seqs, pulled_in


def _merged_tree(
    organization_id: int, parent: GlobalCommit | None, seqs: list[int], progress: Progress
) -> tuple[bytes, Mapping[bytes, bytes], int]:
    """The tree after the batch, its new nodes, and how many paths it changes."""
    check_chains(organization_id, seqs)
    entries = final_entries(organization_id, seqs)
    progress("checked", len(entries))
    trees = stored_trees(organization_id)
    try:
        tree = trees.changed(bytes(parent.tree) if parent else None, entries)
    except TreeError as error:
        raise BrokenTree(str(error)) from None
    progress("computed", len(entries))
    return tree, trees.made, len(entries)
