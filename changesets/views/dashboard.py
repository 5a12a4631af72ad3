"""What concerns the person who asks."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.api.access import signed_in
from changesets.models import Changeset, Review
from changesets.querysets import ChangesetQuerySet
from slices.reading import find_slices

SHOWN = 20
BLOCKED = Q(
    conflicts__state="open",
    conflicts__their_changeset=None,
    conflicts__severity__in=("medium", "high", "critical"),
)


@login_required
def dashboard(request: HttpRequest) -> HttpResponse:
    """Own changesets, reviews that wait, conflicts that concern one, slices where one has a role."""
    user = signed_in(request.user)
    opened = shown_rows(Changeset.objects.visible_to(user).open())
    reviewed = Review.objects.filter(reviewer=user, patchset=OuterRef("patchset"))
    mine: list[Any] = list(opened.filter(author=user).order_by("-updated_at")[:SHOWN])
    waiting = opened.filter(reviewers=user).exclude(author=user).exclude(Exists(reviewed))
    slices = list(find_slices(user, mine=True)[:SHOWN])
    context = {
        "mine": mine,
        "waiting": list(waiting.order_by("updated_at")[:SHOWN]),
        "in_conflict": [changeset for changeset in mine if changeset.open_conflicts],
        "slices": slices or list(find_slices(user)[:SHOWN]),
        "has_own_slices": bool(slices),
    }
    return render(request, "changesets/dashboard.html", context)


def shown_rows(rows: ChangesetQuerySet) -> ChangesetQuerySet:
    """With all that a row of a list shows."""
    return rows.select_related("organization", "slice__organization", "author", "patchset").annotate(
        comment_count=Count("comments", distinct=True),
        open_conflicts=Count("conflicts", BLOCKED, distinct=True),
    )
