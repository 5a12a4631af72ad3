"""Who may review, and whether a patchset has the approvals that its slice asks for."""

from __future__ import annotations

from accounts.models import User
from changesets.models import Changeset, Patchset, Review

TYPED = "manual"  # among the decisions of a patchset that resolves conflicts


def approvals_given(patchset: Patchset) -> int:
    """Reviewers, other than the changeset's author, whose newest verdict on exactly this patchset is to approve."""
    newest: dict[int, str] = {}
    reviews = Review.objects.filter(patchset=patchset).exclude(reviewer_id=patchset.changeset.author_id)
    for reviewer_id, verdict in reviews.order_by("pk").values_list("reviewer_id", "verdict"):
        newest[reviewer_id] = verdict
    return sum(verdict == Review.Verdict.APPROVE for verdict in newest.values())


def wrote(changeset: Changeset, user: User) -> bool:
    """Is what stands there now the user's: is the changeset, or were its edits handed in by them? Rebases, and conflicts
    that were resolved by choosing a side, change nobody's edits."""
    if changeset.author_id == user.pk:
        return True
    for patchset in changeset.patchsets.order_by("-number"):
        chosen = patchset.origin == Patchset.Origin.RESOLVE and TYPED not in patchset.decisions.values()
        if not chosen and patchset.origin != Patchset.Origin.REBASE:
            return patchset.author_id == user.pk
    return False


def state_after_reviews(changeset: Changeset, patchset: Patchset, required: int) -> str:
    """The state of an open or rejected changeset, from the verdicts on its current patchset."""
    verdicts = Review.objects.filter(patchset=patchset).order_by("-pk").values_list("verdict", flat=True)
    newest = verdicts.first()
    if newest == Review.Verdict.REJECT:
        return Changeset.State.REJECTED
    if newest == Review.Verdict.APPROVE and approvals_given(patchset) >= max(required, 1):
        return Changeset.State.APPROVED
    return Changeset.State.IN_REVIEW
