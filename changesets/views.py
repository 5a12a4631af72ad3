from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.api.access import signed_in
from changesets.models import Changeset
from slices.models import Slice

SHOWN = 50


@login_required
def dashboard(request: HttpRequest) -> HttpResponse:
    """What concerns the person who asks: own changesets, reviews that wait, slices that one may see."""
    user = signed_in(request.user)
    changesets = Changeset.objects.visible_to(user).open().select_related("slice__organization", "author")
    slices = Slice.objects.visible_to(user).select_related("organization", "head")
    return render(
        request,
        "changesets/dashboard.html",
        {
            "mine": changesets.filter(author=user)[:SHOWN],
            "reviews": changesets.filter(reviewers=user)[:SHOWN],
            "slices": slices.order_by("organization__slug", "name")[:SHOWN],
        },
    )
