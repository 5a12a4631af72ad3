"""Mutations of changesets, one function each: authorise, lock, check, write, audit, publish after commit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.models import User
from changesets.approvals import state_after_reviews, wrote
from changesets.collision_bodies import collision_bodies
from changesets.edits import PathEdit, WantedEdit, apply_to_base, touched_paths
from changesets.errors import (
    InvalidEdit,
    MergeConflict,
    OutdatedBase,
    OutsideSlice,
    PatchsetTooLarge,
    StalePatchset,
    UnknownBase,
    UnknownBlob,
    closed,
)
from changesets.feed import tell_watchers
from changesets.models import Changeset, Comment, Patchset, Review
from changesets.plans import Plan, make_plan, store_contents
from changesets.rows import insert_changeset, insert_patchset
from changesets.signals import changeset_changed
from gitslice.common.audit import record
from gitslice.common.errors import InvalidRequest, PermissionDenied
from gitslice.objects.naming import require_stored
from gitslice.objects.services import uploaded_sizes
from slices.access import Access
from slices.entries import Entry, entries_at
from slices.history import CommitNotFound, base_commit, head_of
from slices.models import Commit, Slice
from slices.patterns import patterns_of

LAST_LINE = 2**31 - 1  # that the column holds
REOPENABLE = (*Changeset.OPEN_STATES, Changeset.State.REJECTED)


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
    base, edits = _based(actor, slice, proposal)
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
    insert_patchset(changeset, base, edits, author=actor, number=1)
    _audit(changeset, actor, "changeset.create", heard=announce, files=len(edits))
    if announce:
        _publish(changeset)
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
    changeset = _locked(changeset)
    _check_current(changeset, expected_patchset)
    base, edits = _based(actor, changeset.slice, proposal)
    _check_decisions(changeset, base)
    number = changeset.current.number + 1
    insert_patchset(changeset, base, edits, author=actor, number=number, message=message)
    _audit(changeset, actor, "changeset.update", patchset=changeset.current.number)
    _publish(changeset)
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


@transaction.atomic
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
    changeset = _locked(changeset)
    _check_current(changeset, plan.patchset.number)
    number = changeset.current.number + 1
    require_stored(changeset.organization_id, _new_contents(plan, edits))
    insert_patchset(changeset, base, edits, author=actor, number=number, origin=origin, decisions=decisions)
    _audit(
        changeset,
        actor,
        f"changeset.{origin}",
        patchset=changeset.current.number,
        decisions=dict(decisions or {}),
    )
    _publish(changeset)
    return changeset


@transaction.atomic
def abandon_changeset(*, actor: User, changeset: Changeset, reason: str = "") -> Changeset:
    """Close it without landing. The author may, and maintainers."""
    access = Access(changeset.slice, actor)
    if changeset.author_id != actor.pk:
        access.require_maintainer()
    changeset = _locked(changeset)
    if changeset.state == Changeset.State.ABANDONED:
        return changeset
    _check_current(changeset, None)
    changeset.state, changeset.closed_reason = Changeset.State.ABANDONED, reason
    changeset.save(update_fields=["state", "closed_reason", "updated_at"])
    _audit(changeset, actor, "changeset.abandon", reason=reason)
    _publish(changeset)
    return changeset


@transaction.atomic
def review_changeset(
    *, actor: User, changeset: Changeset, verdict: str, body: str = "", expected_patchset: int | None = None
) -> Changeset:
    """Approve or reject the current patchset. Writers may, but nobody approves their own."""
    Access(changeset.slice, actor).require_writer()
    changeset = _locked(changeset)
    if verdict == Review.Verdict.APPROVE and wrote(changeset, actor):
        raise PermissionDenied("you cannot approve your own changeset, nor edits of yours in another's")
    _check_current(changeset, expected_patchset)
    Review.objects.create(
        changeset=changeset, patchset=changeset.current, reviewer=actor, verdict=verdict, body=body
    )
    changeset.state = state_after_reviews(changeset, changeset.current, changeset.slice.required_approvals)
    changeset.save(update_fields=["state", "updated_at"])
    _audit(changeset, actor, f"changeset.{verdict}", patchset=changeset.current.number)
    _publish(changeset)
    return changeset


@transaction.atomic
def comment_on_changeset(
    *, actor: User, changeset: Changeset, body: str, path: str = "", line: int | None = None
) -> Comment:
    """Anybody who may read the changeset may comment."""
    if not body.strip():
        raise InvalidRequest("a comment needs a text")
    if path and not changeset.current.edits.filter(path=path).exists():
        raise InvalidRequest(f"{path} is not part of {changeset}")
    if line is not None and not 1 <= line <= LAST_LINE:
        raise InvalidRequest(f"a line is a number from 1 to {LAST_LINE}")
    comment = Comment.objects.create(
        changeset=changeset, patchset=changeset.current, author=actor, path=path, line=line, body=body
    )
    _audit(changeset, actor, "changeset.comment", comment=comment.pk)
    return comment


def _based(actor: User, slice: Slice, proposal: Proposal) -> tuple[Commit | None, list[PathEdit]]:
    """The base commit and the edits on it, checked for everything that a client can get wrong."""
    if not proposal.edits:
        raise InvalidEdit("a patchset needs at least one edit")
    if len(proposal.edits) > settings.GITSLICE_MAX_EDITS:
        raise PatchsetTooLarge(
            f"{len(proposal.edits)} edits; at most {settings.GITSLICE_MAX_EDITS} are allowed"
        )
    paths = touched_paths(proposal.edits)
    covers = patterns_of(slice).covers
    outside = [path for path in paths if not covers(path)]
    if outside:
        raise OutsideSlice(str(slice), outside)
    base = _base_commit(actor, slice, proposal.base)
    standing = entries_at(slice.organization_id, paths, base.moment) if base else {}
    sizes = _nameable_sizes(actor, slice, proposal.edits, standing)
    return base, apply_to_base(proposal.edits, standing, sizes)


def _base_commit(actor: User, slice: Slice, text: str | None) -> Commit | None:
    if text is None:
        return None
    try:
        return base_commit(slice, text, actor)
    except CommitNotFound:
        raise UnknownBase(f"{slice} has no commit {text[:64]}") from None


def _new_contents(plan: Plan, edits: Sequence[PathEdit]) -> set[bytes]:
    """What the edits name, and neither the patchset before nor the heads did."""
    known = {entry.digest for edit in plan.edits for entry in (edit.base, edit.new) if entry}
    known |= {head.entry.digest for head in plan.seen.values() if head.entry}
    return {edit.new.digest for edit in edits if edit.new} - known


def _nameable_sizes(
    actor: User, slice: Slice, edits: Sequence[WantedEdit], standing: Mapping[str, Entry]
) -> dict[bytes, int]:
    """Sizes of the blobs that the edits name. A digest is not a permission: only blobs count that the author uploaded,
    or that this slice's history holds. UnknownBlob for all others, whether they exist or not."""
    sizes = {entry.digest: entry.size for entry in standing.values()}
    wanted = {edit.digest for edit in edits if edit.digest is not None} - sizes.keys()
    if wanted:
        sizes |= uploaded_sizes(actor.pk, slice.organization_id, wanted)
        wanted -= sizes.keys()
    if wanted:
        sizes |= _sizes_in_history(slice, wanted)
        wanted -= sizes.keys()
    if wanted:
        raise UnknownBlob([edit.path for edit in edits if edit.digest in wanted])
    return sizes


def _sizes_in_history(slice: Slice, digests: Collection[bytes]) -> dict[bytes, int]:
    covers = patterns_of(slice).covers
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT new_digest, new_size, path FROM slices_pathversion"
            " WHERE organization_id = %s AND new_digest = ANY(%s)",
            [slice.organization_id, list(digests)],
        )
        return {bytes(digest): size for digest, size, path in cursor if covers(path)}


def _locked(changeset: Changeset) -> Changeset:
    rows = Changeset.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("organization", "slice__organization", "author", "patchset").get(
        pk=changeset.pk
    )


def _open_patchset(changeset: Changeset) -> Patchset:
    _check_current(changeset, None)
    return changeset.current


def _check_current(changeset: Changeset, expected_patchset: int | None) -> None:
    if changeset.state not in REOPENABLE:
        raise closed(changeset)
    if expected_patchset is not None and changeset.current.number != expected_patchset:
        raise StalePatchset(f"{changeset} is at patchset {changeset.current.number}, not {expected_patchset}")


def _check_decisions(changeset: Changeset, base: Commit | None) -> None:
    """A patchset on a base older than the head on which conflicts were resolved would undo what was decided there."""
    current = changeset.current
    decided = current.base if current.origin == Patchset.Origin.RESOLVE else None
    if decided is not None and (base is None or base.seq < decided.seq):
        raise OutdatedBase(f"{changeset} was resolved on {str(decided)[:12]}", hint="gs pull, then try again")


def _audit(changeset: Changeset, actor: User, action: str, *, heard: bool = True, **detail: Any) -> None:
    """Write the audit event, and the event that watchers hear."""
    if heard:
        tell_watchers(changeset, actor, action)
    record(
        organization=changeset.organization,
        actor=actor,
        action=action,
        object=f"{changeset.slice} {changeset}",
        detail=detail,
    )


def _publish(changeset: Changeset) -> None:
    transaction.on_commit(partial(changeset_changed.send, Changeset, changeset_id=changeset.pk))
