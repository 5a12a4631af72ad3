"""What concerns the person who asks."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.api.access import signed_in
from accounts.models import User
from changesets.attention import with_attention
from changesets.models import Attention, Changeset, Review
from changesets.mutations import REOPENABLE
from slices.reading import find_slices

SHOWN = 20
BLOCKED = Q(
    conflicts__state="open",
    conflicts__their_changeset=None,
    conflicts__severity__in=("medium", "high", "critical"),
)


@login_required
def dashboard(request: HttpRequest) -> HttpResponse:
    """Where it is one's turn, own changesets, reviews that wait, conflicts that concern one, slices where one has a role."""
    user = signed_in(request.user)
    opened = shown_rows(Changeset.objects.visible_to(user).open(), user)
    reviewed = Review.objects.filter(reviewer=user, patchset=OuterRef("patchset"))
    mine_now = Changeset.objects.visible_to(user).filter(attention__user=user, state__in=REOPENABLE)
    mine: list[Any] = list(opened.filter(author=user).order_by("-updated_at")[:SHOWN])
    waiting = opened.filter(reviewers=user).exclude(author=user).exclude(Exists(reviewed))
    slices = list(find_slices(user, mine=True)[:SHOWN])
    context = {
        "turns": list(shown_rows(mine_now, user).order_by("attention__since")[:SHOWN]),
        "mine": mine,
        "waiting": list(waiting.order_by("updated_at")[:SHOWN]),
        "in_conflict": [changeset for changeset in mine if changeset.open_conflicts],
        "slices": slices or list(find_slices(user)[:SHOWN]),
        "has_own_slices": bool(slices),
    }
    return render(request, "changesets/dashboard.html", context)


def shown_rows(rows: QuerySet[Changeset], user: User | AnonymousUser) -> QuerySet[Changeset]:
    """With all that a row of a list shows; `my_turn`: is it the user's?"""
    own = Attention.objects.filter(changeset=OuterRef("pk"), user=user.pk)
    rows = with_attention(rows).annotate(my_turn=Exists(own))
    return rows.select_related("organization", "slice__organization", "author", "patchset").annotate(
        comment_count=Count("comments", distinct=True),
        open_conflicts=Count("conflicts", BLOCKED, distinct=True),
    )
