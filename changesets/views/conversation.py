"""A changeset's first page: what it is about, what was said and done, what is missing to land it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from changesets.api.access import visible_changeset
from changesets.models import Changeset
from changesets.views.frame import framed, landing_of
from slices.views.diffs import anchor_of
from slices.views.markup import markdown_html

NO_CHANGE = 204


@require_safe
def changeset(request: HttpRequest, org: str, number: int) -> HttpResponse:
    found = visible_changeset(request.user, org, number)
    return render(request, "changesets/changeset.html", _context(request, found))


@require_safe
def live(request: HttpRequest, org: str, number: int) -> HttpResponse:
    """The parts of the page that others change; nothing if `?seen=` is what there is."""
    found = visible_changeset(request.user, org, number)
    if request.GET.get("seen") == _stamp(found):
        return HttpResponse(status=NO_CHANGE)
    return render(request, "changesets/parts/live.html", _context(request, found) | {"is_live": True})


def _context(request: HttpRequest, found: Changeset) -> dict[str, Any]:
    context = framed(request, found, "conversation")
    return context | {
        "description": markdown_html(found.description) if found.description else "",
        "events": _events(found),
        "reviewers": _reviewers(found),
        "landing": landing_of(found, context["access"]),
        "stamp": _stamp(found),
    }


def _stamp(changeset: Changeset) -> str:
    """Changes with everything that the page shows."""
    facts = Changeset.objects.filter(pk=changeset.pk).aggregate(
        comment=Max("comments"),
        review=Max("reviews"),
        conflicts=Count("conflicts", Q(conflicts__state="open"), distinct=True),
    )
    return "-".join(str(fact or 0) for fact in [changeset.updated_at.timestamp(), *facts.values()])


def _events(changeset: Changeset) -> list[dict[str, Any]]:
    """What was said and done, in order: each with kind, time, who, and what the kind needs."""
    events: list[dict[str, Any]] = []
    for patchset in changeset.patchsets.select_related("author", "base"):
        events.append(
            {"kind": "patchset", "at": patchset.created_at, "who": patchset.author, "patchset": patchset}
        )
    for review in changeset.reviews.select_related("reviewer", "patchset"):
        text = markdown_html(review.body) if review.body else ""
        events.append(
            {
                "kind": "review",
                "at": review.created_at,
                "who": review.reviewer,
                "review": review,
                "text": text,
            }
        )
    for comment in changeset.comments.select_related("author", "patchset"):
        events.append(
            {
                "kind": "comment",
                "at": comment.created_at,
                "who": comment.author,
                "comment": comment,
                "anchor": anchor_of(comment.path),
                "outdated": comment.path != "" and comment.patchset_id != changeset.patchset_id,
                "text": markdown_html(comment.body),
            }
        )
    events.sort(key=_moment)
    if changeset.commit is not None:
        events.append({"kind": "merged", "at": changeset.commit.landed_at, "commit": changeset.commit})
    elif changeset.state == Changeset.State.ABANDONED:
        events.append({"kind": "abandoned", "at": changeset.updated_at})
    return events


def _moment(event: dict[str, Any]) -> datetime:
    return event["at"]


def _reviewers(changeset: Changeset) -> list[dict[str, Any]]:
    """Who was asked or has reviewed, each with the newest verdict and whether it is on the current patchset."""
    shown = {
        pk: {"name": name, "verdict": "", "current": True}
        for pk, name in changeset.reviewers.order_by("username").values_list("pk", "username")
    }
    for review in changeset.reviews.select_related("reviewer").order_by("pk"):
        shown[review.reviewer_id] = {
            "name": review.reviewer.username,
            "verdict": review.verdict,
            "current": review.patchset_id == changeset.patchset_id,
        }
    return list(shown.values())
