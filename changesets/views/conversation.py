"""A changeset's first page: what it is about, what was said and done, what is missing to land it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from changesets.api.access import visible_changeset
from changesets.approvals import current_holders, may_decide
from changesets.models import Changeset, Check, Review
from changesets.requirements import landing_of
from changesets.talking import drafts_of
from changesets.views.frame import framed
from changesets.views.threads import Conversation
from slices.access import Access

NO_CHANGE = 204


@require_safe
def changeset(request: HttpRequest, org: str, number: int) -> HttpResponse:
    found = visible_changeset(request.user, org, number)
    return render(request, "changesets/changeset.html", _context(request, found))


@require_safe
def live(request: HttpRequest, org: str, number: int) -> HttpResponse:
    """The parts of the page that others change; nothing if `?seen=` is what there is."""
    found = visible_changeset(request.user, org, number)
    if request.GET.get("seen") == _stamp(request, found):
        return HttpResponse(status=NO_CHANGE)
    return render(request, "changesets/parts/live.html", _context(request, found) | {"is_live": True})


def _context(request: HttpRequest, found: Changeset) -> dict[str, Any]:
    stamp = _stamp(request, found)  # before the rest: what comes meanwhile is seen with the next event
    context = framed(request, found, "conversation")
    access: Access = context["access"]
    reviews = list(found.reviews.select_related("reviewer", "patchset"))
    conversation = Conversation(request, found, access, [found.description, *(one.body for one in reviews)])
    threads = conversation.shown_threads()
    applicable = [one.said.pk for thread in threads for one in thread.comments if one.can_apply]
    return context | {
        "description": conversation.texts.html(found.description) if found.description else "",
        "events": _events(found, conversation, reviews, threads),
        "drafts": conversation.shown_drafts(),
        "draft_count": len(conversation.drafts),
        "open_threads": sum(thread.thread.resolved_at is None for thread in threads if thread.thread),
        "applicable": applicable,
        "reviewers": _reviewers(found, reviews),
        "my_verdict": _own_verdict(request, found, reviews),
        "checks": _checks(found),
        "may_decide": request.user.is_authenticated and may_decide(found, request.user, access),
        "landing": landing_of(found, access),
        "stamp": stamp,
        "events_url": f"{reverse('events', args=[found.organization.slug])}?changeset={found.number}",
    }


def _stamp(request: HttpRequest, changeset: Changeset) -> str:
    """Changes with everything that the page shows; of drafts with one's own."""
    facts = Changeset.objects.filter(pk=changeset.pk).aggregate(
        comment=Max("comments"),
        edited=Max("comments__edited_at"),
        deleted=Max("comments__deleted_at"),
        review=Max("reviews"),
        withdrawn=Max("reviews__withdrawn_at"),
        resolved=Count("threads", Q(threads__resolved_at__isnull=False), distinct=True),
        conflicts=Count("conflicts", Q(conflicts__state="open"), distinct=True),
        turn=Max("attention"),
        turns=Count("attention", distinct=True),
    )
    facts["check"] = Check.objects.filter(patchset=changeset.patchset_id).aggregate(at=Max("updated_at"))[
        "at"
    ]
    facts["drafts"] = drafts_of(request.user, changeset).count() if request.user.is_authenticated else 0
    return "-".join(
        str(fact or 0) for fact in [changeset.updated_at.timestamp(), *map(_number, facts.values())]
    )


def _number(fact: Any) -> Any:
    return fact.timestamp() if isinstance(fact, datetime) else fact


def _events(
    changeset: Changeset, conversation: Conversation, reviews: list[Review], threads: list[Any]
) -> list[dict[str, Any]]:
    """What was said and done, in order: each with kind, time, who, and what the kind needs."""
    events: list[dict[str, Any]] = []
    for patchset in changeset.patchsets.select_related("author", "base"):
        who = {"who": patchset.author, "patchset": patchset}
        events.append({"kind": "patchset", "at": patchset.created_at} | who)
    for review in reviews:
        said = {"review": review, "text": conversation.texts.html(review.body) if review.body else ""}
        events.append({"kind": "review", "at": review.created_at, "who": review.reviewer} | said)
    for comment in conversation.general:
        shown = conversation.comment(comment)
        events.append({"kind": "comment", "at": comment.created_at, "one": shown})
    for thread in threads:
        events.append({"kind": "thread", "at": thread.thread.created_at, "shown": thread})
    events.sort(key=_moment)
    if changeset.commit is not None:
        events.append({"kind": "merged", "at": changeset.commit.landed_at, "commit": changeset.commit})
    elif changeset.state == Changeset.State.ABANDONED:
        events.append({"kind": "abandoned", "at": changeset.updated_at})
    return events


def _moment(event: dict[str, Any]) -> datetime:
    return event["at"]


def _reviewers(changeset: Changeset, reviews: list[Review]) -> list[dict[str, Any]]:
    """Who was asked or has reviewed, each with the newest verdict, whether it is on the current patchset, and whether it
    counts: who may no longer write to the slice, or was deactivated, has no say."""
    shown = {
        pk: {"name": name, "verdict": "", "current": True, "asked": True, "counts": True}
        for pk, name in changeset.reviewers.order_by("username").values_list("pk", "username")
    }
    deciding = [review for review in reviews if review.verdict in Review.DECIDING and not review.withdrawn_at]
    holding = current_holders(changeset, {review.reviewer_id for review in deciding})
    for review in deciding:
        shown[review.reviewer_id] = {
            "name": review.reviewer.username,
            "verdict": review.verdict,
            "current": review.patchset_id == changeset.patchset_id,
            "asked": review.reviewer_id in shown and shown[review.reviewer_id]["asked"],
            "counts": review.reviewer_id in holding,
        }
    return list(shown.values())


def _own_verdict(request: HttpRequest, changeset: Changeset, reviews: list[Review]) -> str:
    """What the reader has decided about the current patchset."""
    own = [
        review.verdict
        for review in reviews
        if review.reviewer_id == request.user.pk
        and review.patchset_id == changeset.patchset_id
        and review.verdict in Review.DECIDING
        and review.withdrawn_at is None
    ]
    return own[-1] if own else ""


def _checks(changeset: Changeset) -> list[dict[str, Any]]:
    """Reported checks of the current patchset, and required ones that nobody has reported."""
    reported = {check.name: check for check in Check.objects.filter(patchset=changeset.patchset_id)}
    required = changeset.slice.required_checks
    names = [*required, *(name for name in reported if name not in required)]
    return [{"name": name, "check": reported.get(name), "required": name in required} for name in names]
