"""Undo: changesets that reverse what has landed. History is never rewritten.

The edits of such a changeset are made on what the undone commit left, and bring back what stood before it. Landing
merges them with whatever came later, as it does with any older changeset, and conflicts are found and resolved alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from accounts.models import User
from changesets.edits import ADD, DELETE, RENAME, PathEdit
from changesets.errors import NothingToRevert, PartlyOutside, PatchsetTooLarge
from changesets.models import Changeset
from changesets.plans import Plan, make_plan
from changesets.services import open_changeset
from slices.access import Access, administers
from slices.changes import changed_by, count_changed_by
from slices.diffs import FilePair, op_between, with_renames
from slices.entries import Entry, Head, entries_at, heads
from slices.errors import GlobalForbidden
from slices.global_state.chains import final_entries
from slices.global_state.naming import left_out
from slices.global_state.recomputing import members
from slices.history import at_global
from slices.models import ROOT, Commit, GlobalCommit, Slice
from slices.moments import Moment


@dataclass(frozen=True)
class Revert:
    """A changeset that undoes something, and how it meets the heads now."""

    changeset: Changeset
    plan: Plan


@transaction.atomic
def revert_commit(*, actor: User, slice: Slice, commit: Commit, title: str = "") -> Revert:
    """A changeset in the slice that undoes the commit.

    Raises SliceForbidden, PartlyOutside unless the slice covers all that the commit changed, PatchsetTooLarge,
    NothingToRevert if it is undone already.
    """
    Access(slice, actor).require_writer()
    if count_changed_by(slice, commit) < commit.file_count:
        raise PartlyOutside(f"commit {commit.hex[:12]} changed paths outside {slice}", slice=str(slice))
    edits = list(_reversed(changed_by(slice, commit)))
    subject = commit.message.split("\n")[0][:400]
    return _proposed(
        actor, slice, commit, edits, title or f'Revert "{subject}"', f"This reverts commit {commit.hex}."
    )


@transaction.atomic
def revert_global(*, actor: User, merged: GlobalCommit, preview: bool = False) -> Revert:
    """A changeset in the root slice that undoes a whole global commit; with `preview` it is not kept. Administrators may.

    Raises GlobalForbidden, PatchsetTooLarge, NothingToRevert if it is undone already.
    """
    if not administers(actor, merged.organization_id):
        raise GlobalForbidden(
            "you may not revert a global commit", hint="ask an owner or admin of the organization"
        )
    root = Slice.objects.select_related("organization", "definition").get(
        organization=merged.organization_id, name=ROOT
    )
    edits = _net_reversed(merged)
    title = f"Revert global commit {merged}"
    revert = _proposed(
        actor, root, at_global(root, merged), edits, title, f"This reverts global commit {merged.hex}."
    )
    transaction.set_rollback(preview)
    return revert


def _proposed(
    actor: User, slice: Slice, base: Commit | None, edits: Sequence[PathEdit], title: str, description: str
) -> Revert:
    if len(edits) > settings.GITSLICE_MAX_EDITS:
        raise PatchsetTooLarge(f"{len(edits)} edits; at most {settings.GITSLICE_MAX_EDITS} are allowed")
    now = heads(slice.organization_id, [edit.path for edit in edits])
    if all(_entry(now.get(edit.path)) == edit.new for edit in edits):
        raise NothingToRevert("all of it is undone already")
    changeset = open_changeset(
        actor=actor,
        slice=slice,
        title=title.strip()[:500],
        description=description,
        base=base,
        edits=sorted(edits, key=lambda edit: edit.path.encode()),
    )
    return Revert(changeset, make_plan(slice, changeset.current, strict=False))


def _entry(head: Head | None) -> Entry | None:
    return head.entry if head else None


def _reversed(pairs: Sequence[FilePair]) -> Iterator[PathEdit]:
    """A rename is reversed as a rename: the old path gets its file back from the new one."""
    came_from = {pair.renamed_from: pair.path for pair in pairs if pair.op == RENAME and pair.renamed_from}
    for pair in pairs:
        op = op_between(pair.new, pair.old)
        if op == ADD and pair.path in came_from:
            yield PathEdit(pair.path, RENAME, None, pair.old, came_from[pair.path])
        else:
            yield PathEdit(pair.path, op, pair.new, pair.old)


def _net_reversed(merged: GlobalCommit) -> list[PathEdit]:
    """The edits that lead from the state of the global commit to the one before; files that only moved are renamed."""
    organization_id = merged.organization_id
    paths = final_entries(organization_id, members(merged))
    after = entries_at(organization_id, paths, _moment(merged))
    before = entries_at(organization_id, paths, _moment(merged.parent)) if merged.parent else {}
    moved = [path for path in paths if before.get(path) != after.get(path)]
    pairs = with_renames(
        [
            FilePair(path, op_between(after.get(path), before.get(path)), after.get(path), before.get(path))
            for path in sorted(moved, key=str.encode)
        ]
    )
    return [edit for pair in pairs for edit in _edits(pair)]


def _edits(pair: FilePair) -> Iterator[PathEdit]:
    if pair.op == RENAME and pair.renamed_from:
        yield PathEdit(pair.renamed_from, DELETE, pair.old, None)
        yield PathEdit(pair.path, RENAME, None, pair.new, pair.renamed_from)
    else:
        yield PathEdit(pair.path, pair.op, pair.old, pair.new)


def _moment(merged: GlobalCommit) -> Moment:
    return Moment(merged.last_seq, left_out(merged))
