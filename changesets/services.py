"""Mutations of changesets, one function each: authorise, lock, check, write, audit, publish after commit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from changesets import attention
from changesets.amending import amended, standing_after
from changesets.checking import base_of, based, check_count, check_edits, contained_paths
from changesets.collision_bodies import collision_bodies
from changesets.edits import PathEdit, WantedEdit, check_folders
from changesets.errors import (
    InvalidEdit,
    MergeConflict,
    OutdatedBase,
)
from changesets.layers import layers
from changesets.models import Changeset, Patchset
from changesets.mutations import audit, check_current, locked, publish
from changesets.plans import Plan, load_edits, make_plan, store_contents
from changesets.rows import insert_changeset, insert_patchset
from gitslice.common.errors import InvalidRequest
from gitslice.objects.naming import require_stored
from slices.access import Access
from slices.entries import entries_at
from slices.history import head_of
from slices.models import Commit, Slice


@dataclass(frozen=True)
class Proposal:
    """A patchset as a client hands it in: a base commit (id, prefix, `HEAD`, or None for the empty tree) and edits."""

    base: str | None
    edits: Sequence[WantedEdit]


@transaction.atomic
def create_changeset(
    *,
    actor: User,
    slice: Slice,
    title: str,
    proposal: Proposal,
    description: str = "",
    reviewers: Sequence[User] = (),
    announce: bool = True,
) -> Changeset:
    """A new changeset with its first patchset. `announce=False` is for who lands it at once.

    Raises SliceForbidden, UnknownBase, InvalidEdit, OutsideSlice, UnknownBlob, PatchsetTooLarge.
    """
    Access(slice, actor).require_writer()
    if not title.strip():
        raise InvalidRequest("a changeset needs a title")
    base, edits = based(actor, slice, proposal.base, proposal.edits)
    return open_changeset(
        actor=actor,
        slice=slice,
        title=title,
        description=description,
        base=base,
        edits=edits,
        reviewers=reviewers,
        announce=announce,
    )


def open_changeset(
    *,
    actor: User,
    slice: Slice,
    title: str,
    description: str,
    base: Commit | None,
    edits: Sequence[PathEdit],
    reviewers: Sequence[User] = (),
    announce: bool = True,
) -> Changeset:
    """Write a changeset whose edits were checked by the caller, in the caller's transaction."""
    changeset = insert_changeset(
        slice=slice,
        title=title.strip()[:500],
        description=description,
        author=actor,
        state=Changeset.State.IN_REVIEW if reviewers else Changeset.State.PENDING,
    )
    if reviewers:
        changeset.reviewers.set(reviewers)
        attention.requested(changeset, {user.pk for user in reviewers})
    insert_patchset(changeset, base, edits, author=actor, number=1)
    audit(changeset, actor, "changeset.create", heard=announce, files=len(edits))
    if announce:
        publish(changeset)
    return changeset


@transaction.atomic
def add_patchset(
    *,
    actor: User,
    changeset: Changeset,
    proposal: Proposal,
    message: str = "",
    expected_patchset: int | None = None,
) -> Changeset:
    """A new current patchset; approvals of the one before no longer count. A rejected changeset is open again."""
    Access(changeset.slice, actor).require_writer()
    changeset = locked(changeset)
    check_current(changeset, expected_patchset)
    base, edits = based(actor, changeset.slice, proposal.base, proposal.edits)
    _check_decisions(changeset, base)
    number = changeset.current.number + 1
    insert_patchset(changeset, base, edits, author=actor, number=number, message=message)
    attention.patchset_added(changeset, actor)
    audit(changeset, actor, "changeset.update", patchset=changeset.current.number)
    publish(changeset)
    return changeset


@transaction.atomic
def amend_changeset(
    *,
    actor: User,
    changeset: Changeset,
    edits: Sequence[WantedEdit],
    made_on: str | None = None,
    message: str = "",
    expected_patchset: int | None = None,
) -> Changeset:
    """A new patchset with `edits` added to those of the current one. They are made on the changeset as it is; or on the
    commit that `made_on` names, and then they keep off the paths that the changeset edits already.

    Raises as add_patchset does.
    """
    Access(changeset.slice, actor).require_writer()
    changeset = locked(changeset)
    check_current(changeset, expected_patchset)
    before = load_edits(changeset.current)
    base = changeset.current.base
    paths = contained_paths(changeset.slice, edits)
    standing = entries_at(changeset.organization_id, paths, base.moment) if base else {}
    if made_on is not None:
        _check_apart(changeset, before, paths)
        commit = base_of(actor, changeset.slice, made_on)
        seen = entries_at(changeset.organization_id, paths, commit.moment) if commit else {}
        if seen != standing:  # else they stand on the changeset's base just as well
            base, standing = _later(base, commit), seen
    further = check_edits(
        actor=actor, slice=changeset.slice, edits=edits, standing=standing_after(standing, before)
    )
    result = amended(before, further)
    if not result:
        raise InvalidEdit(f"nothing would be left of {changeset}", hint="abandon it instead")
    check_folders(edit.path for edit in result if edit.new is not None)
    check_count(len(result))
    number = changeset.current.number + 1
    insert_patchset(
        changeset, base, result, author=actor, number=number, message=message, origin=Patchset.Origin.AMEND
    )
    attention.patchset_added(changeset, actor)
    audit(changeset, actor, "changeset.update", patchset=number)
    publish(changeset)
    return changeset


def rebase_changeset(
    *, actor: User, changeset: Changeset, expected_patchset: int | None = None
) -> tuple[Changeset, Plan]:
    """A new patchset on the slice's head, with clean merges taken. Raises MergeConflict and changes nothing where a
    path does not merge. A changeset that is on the head already keeps its patchset."""
    Access(changeset.slice, actor).require_writer()
    head = head_of(changeset.slice)
    plan = make_plan(changeset.slice, _open_patchset(changeset), strict=False)
    if plan.collisions:
        bodies = collision_bodies(changeset, plan.collisions, actor)
        raise MergeConflict(f"{changeset} does not merge cleanly", bodies)
    if not plan.moved and plan.patchset.base == head:
        return changeset, plan
    store_contents(plan, user=actor, organization=changeset.organization)
    changeset = replace_patchset(
        actor=actor,
        changeset=changeset,
        plan=plan,
        base=head,
        edits=plan.rebased,
        origin=Patchset.Origin.REBASE,
    )
    return changeset, plan


def replace_patchset(
    *,
    actor: User,
    changeset: Changeset,
    plan: Plan,
    base: Commit | None,
    edits: Sequence[PathEdit],
    origin: str,
    decisions: Mapping[str, str] | None = None,
) -> Changeset:
    """Make `edits`, worked out by `plan`, the new current patchset. Raises StalePatchset if another came first."""
    return put_patchset(
        actor=actor,
        changeset=changeset,
        after=plan.patchset.number,
        base=base,
        edits=edits,
        origin=origin,
        decisions=decisions,
        contents=_new_contents(plan, edits),
    )


@transaction.atomic
def put_patchset(
    *,
    actor: User,
    changeset: Changeset,
    after: int,
    base: Commit | None,
    edits: Sequence[PathEdit],
    origin: str,
    decisions: Mapping[str, str] | None = None,
    message: str = "",
    contents: Collection[bytes] = (),
) -> Changeset:
    """Write edits that were worked out from the patchset with the number `after` as the new current one; `contents` are
    digests that no row names yet. The caller has authorised. Raises StalePatchset if another came first, ChangesetClosed,
    ServerBusy."""
    changeset = locked(changeset)
    check_current(changeset, after)
    require_stored(changeset.organization_id, contents)
    insert_patchset(
        changeset,
        base,
        edits,
        author=actor,
        number=after + 1,
        message=message,
        origin=origin,
        decisions=decisions,
    )
    attention.patchset_added(changeset, actor)
    audit(
        changeset,
        actor,
        f"changeset.{origin}",
        patchset=changeset.current.number,
        decisions=dict(decisions or {}),
    )
    publish(changeset)
    return changeset


@transaction.atomic
def abandon_changeset(*, actor: User, changeset: Changeset, reason: str = "") -> Changeset:
    """Close it without landing. The author may, and maintainers."""
    access = Access(changeset.slice, actor)
    if changeset.author_id != actor.pk:
        access.require_maintainer()
    changeset = locked(changeset)
    if changeset.state == Changeset.State.ABANDONED:
        return changeset
    check_current(changeset, None)
    changeset.state, changeset.closed_reason = Changeset.State.ABANDONED, reason
    changeset.save(update_fields=["state", "closed_reason", "updated_at"])
    attention.closed(changeset)
    audit(changeset, actor, "changeset.abandon", reason=reason)
    publish(changeset)
    return changeset


def _check_apart(changeset: Changeset, before: Sequence[PathEdit], paths: Sequence[str]) -> None:
    edited = {edit.path for edit in before}.intersection(paths)
    if edited:
        path = min(edited)
        raise InvalidEdit(
            f"{changeset} changes {path} already", hint=f"edit the file as {changeset} has it", path=path
        )


def _later(one: Commit | None, other: Commit | None) -> Commit | None:
    return max((one, other), key=lambda commit: commit.seq if commit else 0)


def _new_contents(plan: Plan, edits: Sequence[PathEdit]) -> set[bytes]:
    """What the edits name, and neither the patchset before nor the heads did."""
    known = {entry.digest for edit in plan.edits for entry in (edit.base, edit.new) if entry}
    known |= {head.entry.digest for head in plan.seen.values() if head.entry}
    return {edit.new.digest for edit in edits if edit.new} - known


def _open_patchset(changeset: Changeset) -> Patchset:
    check_current(changeset, None)
    return changeset.current


def _check_decisions(changeset: Changeset, base: Commit | None) -> None:
    """A patchset on a base older than the head on which conflicts were resolved would undo what was decided there."""
    for patchset in layers(changeset):
        decided = patchset.base if patchset.origin == Patchset.Origin.RESOLVE else None
        if decided is not None and (base is None or base.seq < decided.seq):
            raise OutdatedBase(
                f"{changeset} was resolved on {str(decided)[:12]}", hint="gs pull, then try again"
            )
