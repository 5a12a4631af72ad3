"""Who may review, and whether a patchset has the approvals that its slice asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from accounts.models import User
from changesets.layers import hands
from changesets.models import Changeset, Patchset, Review
from slices.access import Access
from slices.coverage import covering_slices
from slices.holders import holders
from slices.models import Slice


def approvals_given(changeset: Changeset, patchset: Patchset) -> int:
    """Those whose newest verdict on exactly this patchset is to approve, and who may write to the slice now."""
    approving = approving_users(changeset, patchset)
    return len(holders([changeset.slice_id], approving).get(changeset.slice_id, set()))


def approving_users(changeset: Changeset, patchset: Patchset) -> set[int]:
    """Reviewers, other than the changeset's author, whose newest verdict on exactly this patchset is to approve; who may
    do so now is another question."""
    standing = standing_verdicts(patchset)
    approving = {pk for pk, verdict in standing.items() if verdict == Review.Verdict.APPROVE}
    return approving - {changeset.author_id}


def standing_verdicts(patchset: Patchset) -> dict[int, str]:
    """Reviewer id -> their newest verdict on the patchset; comments and what was withdrawn decide nothing."""
    rows = Review.objects.filter(patchset=patchset, verdict__in=Review.DECIDING, withdrawn_at=None)
    return dict(rows.order_by("pk").values_list("reviewer_id", "verdict"))


def owners_approving(changeset: Changeset, patchset: Patchset, covering: Iterable[int]) -> dict[int, bool]:
    """Slice id -> does one of its owners approve? For every other slice of `covering`. The author's word counts here, as
    long as the newest edits are theirs: who owns the slice has no need to ask anybody there."""
    others = [pk for pk in covering if pk != changeset.slice_id]
    if not others:
        return {}
    people = approving_users(changeset, patchset) | {changeset.author_id}.intersection(hands(changeset)[:1])
    found = holders(others, people, owners=True)
    return {pk: bool(found.get(pk)) for pk in others}


def covering_ids(patchset: Patchset, organization_id: int) -> list[int]:
    """The slices, root left out, that cover a path which the patchset touches."""
    paths = list(patchset.edits.values_list("path", flat=True))
    return list(covering_slices(organization_id, paths))


def may_decide(changeset: Changeset, user: User, access: Access | None = None) -> bool:
    """Writers may approve and ask for changes; so may owners of overlapping slices where their approval is asked for."""
    access = access or Access(changeset.slice, user)
    if access.can_write:
        return True
    if changeset.slice.overlap_approvals != Slice.OverlapApprovals.OWNERS or not access.can_read:
        return False
    if not user.is_authenticated:
        return False
    covering = covering_ids(changeset.current, changeset.organization_id)
    return bool(holders(covering, [user.pk], owners=True))


def wrote(changeset: Changeset, user: User) -> bool:
    """Is what stands there now the user's: is the changeset, or were some of its edits handed in by them?"""
    return changeset.author_id == user.pk or user.pk in hands(changeset)


def state_after_reviews(changeset: Changeset, patchset: Patchset, required: int) -> str:
    """The state of an open or rejected changeset, from the verdicts on its current patchset: the newest one decides."""
    standing = Review.objects.filter(patchset=patchset, verdict__in=Review.DECIDING, withdrawn_at=None)
    newest = standing.order_by("-pk").values_list("verdict", flat=True).first()
    if newest == Review.Verdict.REJECT:
        return Changeset.State.REJECTED
    if newest == Review.Verdict.APPROVE and approvals_given(changeset, patchset) >= max(required, 1):
        return Changeset.State.APPROVED
    return Changeset.State.IN_REVIEW


def current_holders(changeset: Changeset, users: Collection[int]) -> set[int]:
    """Those of the users whose verdict on the changeset counts now."""
    return holders([changeset.slice_id], users).get(changeset.slice_id, set())
