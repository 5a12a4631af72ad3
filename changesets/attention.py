"""Whose turn it is. Each mutation of a changeset hands the turn on, by the rules of docs/concepts.md:

- who is asked for a review gets it, and so do all reviewers when there is a new patchset;
- who answers (comments or reviews) gives it back: to the author, or, where the author answers, to those whom they answer;
- the author gets it for an approval that was the last missing one, and for a check that fails;
- who is mentioned gets it; a changeset that is closed is nobody's turn.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db.models import Prefetch, QuerySet

from accounts.models import User
from changesets.models import Attention, Changeset, Check, Review

Reason = Attention.Reason


def requested(changeset: Changeset, reviewers: Collection[int]) -> None:
    """These were asked for a review."""
    _give(changeset, set(reviewers) - {changeset.author_id}, Reason.REQUESTED)


def patchset_added(changeset: Changeset, actor: User) -> None:
    _give(changeset, reviewers_of(changeset) - {actor.pk}, Reason.PATCHSET)
    _take(changeset, [actor.pk])


def reviewed(changeset: Changeset, actor: User, verdict: str) -> None:
    _take(changeset, [actor.pk])
    if verdict == Review.Verdict.APPROVE:
        if changeset.state == Changeset.State.APPROVED:
            _give(changeset, [changeset.author_id], Reason.APPROVED)
    elif actor.pk != changeset.author_id:
        rejected = verdict == Review.Verdict.REJECT
        _give(changeset, [changeset.author_id], Reason.REJECTED if rejected else Reason.COMMENTED)


def commented(
    changeset: Changeset, actor: User, *, answered: Collection[int], mentioned: Collection[int] = ()
) -> None:
    """`answered` are those who had spoken where the actor speaks."""
    if actor.pk == changeset.author_id:
        heard = (set(answered) or reviewers_of(changeset)) - {actor.pk}
        _give(changeset, heard, Reason.ANSWERED)
        if heard:
            _take(changeset, [actor.pk])
    else:
        _take(changeset, [actor.pk])
        _give(changeset, [changeset.author_id], Reason.COMMENTED)
    mentioned_in(changeset, set(mentioned) - {actor.pk})


def mentioned_in(changeset: Changeset, users: Collection[int]) -> None:
    _give(changeset, set(users) - {changeset.author_id}, Reason.MENTIONED)


def checked(changeset: Changeset) -> None:
    """A check of the current patchset was reported."""
    failed = Check.objects.filter(patchset=changeset.patchset_id, state=Check.State.FAILURE).exists()
    if failed:
        _give(changeset, [changeset.author_id], Reason.CHECK)
    else:
        changeset.attention.filter(reason=Reason.CHECK).delete()


def closed(changeset: Changeset) -> None:
    changeset.attention.all().delete()


def forgotten(changeset: Changeset, users: Collection[int]) -> None:
    """These are no reviewers any more."""
    _take(changeset, users)


def reviewers_of(changeset: Changeset) -> set[int]:
    """Who was asked, or has reviewed any patchset; not the author."""
    asked = set(changeset.reviewers.values_list("pk", flat=True))
    spoke = set(changeset.reviews.values_list("reviewer", flat=True))
    return (asked | spoke) - {changeset.author_id}


def with_attention(rows: QuerySet[Changeset]) -> QuerySet[Changeset]:
    """With whose turn it is, in one question for all rows: `turns` reads it."""
    found = Attention.objects.filter(user__is_active=True).select_related("user")
    return rows.prefetch_related(Prefetch("attention", found, to_attr="known_attention"))


def turns(changeset: Changeset) -> list[Attention]:
    """Whose turn it is, in the order in which it came to them. Nobody's once the changeset is closed."""
    known: list[Attention] | None = getattr(changeset, "known_attention", None)
    if known is not None:
        return known
    return list(changeset.attention.filter(user__is_active=True).select_related("user"))


def attention_bodies(changeset: Changeset) -> list[dict[str, str]]:
    """As the API shows them."""
    return [
        {"user": turn.user.username, "reason": turn.reason, "since": turn.since.isoformat()}
        for turn in turns(changeset)
    ]


def _give(changeset: Changeset, users: Iterable[int], reason: str) -> None:
    rows = [Attention(changeset=changeset, user_id=pk, reason=reason) for pk in sorted(users)]
    if rows and changeset.state not in (Changeset.State.MERGED, Changeset.State.ABANDONED):
        Attention.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["changeset", "user"],
            update_fields=["reason", "since"],
        )


def _take(changeset: Changeset, users: Collection[int]) -> None:
    changeset.attention.filter(user__in=users).delete()
