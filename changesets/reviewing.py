"""Mutations of reviews: verdicts, their withdrawal, and who is asked for one."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from changesets import attention
from changesets.approvals import may_decide, state_after_reviews, wrote
from changesets.models import Changeset, Review
from changesets.mutations import audit, check_current, locked, publish
from changesets.talking import MAX_BODY, concerned_by, publish_drafts
from gitslice.common.errors import InvalidRequest, PermissionDenied
from slices.access import Access
from slices.errors import SliceForbidden
from slices.holders import readers_named

MAX_REVIEWERS = 50


@transaction.atomic
def review_changeset(
    *, actor: User, changeset: Changeset, verdict: str, body: str = "", expected_patchset: int | None = None
) -> Changeset:
    """Say what one thinks of the current patchset, and submit the drafts that one has. Anybody who may read the changeset
    may comment; to approve or reject, see `may_decide`, and nobody approves their own.

    Raises SliceForbidden, PermissionDenied, InvalidRequest, ChangesetClosed, StalePatchset.
    """
    if verdict not in Review.Verdict.values:
        raise InvalidRequest(f"verdict is one of {', '.join(Review.Verdict.values)}")
    if len(body) > MAX_BODY or "\0" in body:
        raise InvalidRequest(f"a summary has at most {MAX_BODY} characters, none of them NUL")
    decides = verdict in Review.DECIDING
    if decides and not may_decide(changeset, actor):
        access = Access(changeset.slice, actor)
        raise SliceForbidden(
            f"you may not review in {changeset.slice}", slice=str(changeset.slice), role=access.role
        )
    changeset = locked(changeset)
    if verdict == Review.Verdict.APPROVE and wrote(changeset, actor):
        raise PermissionDenied("you cannot approve your own changeset, nor edits of yours in another's")
    check_current(changeset, expected_patchset)
    comments = publish_drafts(actor, changeset)
    if not decides and not body.strip() and not comments:
        raise InvalidRequest("a review without a verdict needs a text, or comments")
    Review.objects.create(
        changeset=changeset, patchset=changeset.current, reviewer=actor, verdict=verdict, body=body
    )
    if decides:
        _settle(changeset)
    attention.reviewed(changeset, actor, verdict)
    mentioned = concerned_by(actor, changeset, comments, body)
    attention.mentioned_in(changeset, mentioned)
    audit(
        changeset,
        actor,
        KINDS[verdict],
        users=mentioned,
        patchset=changeset.current.number,
        comments=len(comments),
    )
    publish(changeset)
    return changeset


KINDS = {
    Review.Verdict.APPROVE.value: "changeset.approve",
    Review.Verdict.REJECT.value: "changeset.reject",
    Review.Verdict.COMMENT.value: "changeset.comment",
}


@transaction.atomic
def withdraw_review(*, actor: User, changeset: Changeset) -> Changeset:
    """Take back what one decided about the current patchset; nothing happens if that is nothing."""
    changeset = locked(changeset)
    check_current(changeset, None)
    standing = Review.objects.filter(
        patchset=changeset.current, reviewer=actor, verdict__in=Review.DECIDING, withdrawn_at=None
    )
    if standing.update(withdrawn_at=timezone.now()):
        _settle(changeset)
        if changeset.reviewers.filter(pk=actor.pk).exists():
            attention.requested(changeset, {actor.pk})
        audit(changeset, actor, "changeset.withdraw", patchset=changeset.current.number)
        publish(changeset)
    return changeset


@transaction.atomic
def change_reviewers(
    *, actor: User, changeset: Changeset, add: Collection[str] = (), remove: Collection[str] = ()
) -> Changeset:
    """Ask people for a review, or no longer. The author and writers may; only who may see the changeset can be asked."""
    if changeset.author_id != actor.pk:
        Access(changeset.slice, actor).require_writer()
    changeset = locked(changeset)
    check_current(changeset, None)
    wanted = {user.username: user for user in readers_named(changeset.slice, add)}
    unknown = set(add) - wanted.keys()
    if unknown:
        raise InvalidRequest(f"{sorted(unknown)[0]!r} is nobody who may see {changeset}")
    people = [user for user in wanted.values() if user.pk != changeset.author_id]
    if changeset.reviewers.count() + len(people) > MAX_REVIEWERS:
        raise InvalidRequest(f"a changeset has at most {MAX_REVIEWERS} reviewers")
    gone = list(User.objects.filter(review_requests=changeset, username__in=remove))
    changeset.reviewers.remove(*gone)
    changeset.reviewers.add(*people)
    attention.forgotten(changeset, {user.pk for user in gone})
    attention.requested(changeset, {user.pk for user in people})
    if people and changeset.state == Changeset.State.PENDING:
        changeset.state = Changeset.State.IN_REVIEW
    changeset.save(update_fields=["state", "updated_at"])
    audit(
        changeset,
        actor,
        "changeset.request",
        users={user.pk for user in people},
        add=sorted(wanted),
        remove=sorted(user.username for user in gone),
    )
    return changeset


def _settle(changeset: Changeset) -> None:
    changeset.state = state_after_reviews(changeset, changeset.current, changeset.slice.required_approvals)
    changeset.save(update_fields=["state", "updated_at"])
