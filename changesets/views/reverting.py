"""Undo, from the page of a commit or of a global commit."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.api.access import own_organization, signed_in
from changesets.plans import load_edits
from changesets.reverting import Revert, revert_commit, revert_global
from gitslice.common.errors import DomainError
from gitslice.common.tags import plural, sentence
from slices.api.access import visible_slice
from slices.global_state.naming import existing_global
from slices.history import landed_commit

SHOWN_FILES = 500


@require_POST
def revert(request: HttpRequest, org: str, name: str, commit: str) -> HttpResponse:
    """Make the changeset, and show it."""
    actor, slice = signed_in(request.user), visible_slice(request.user, org, name)
    try:
        made = revert_commit(actor=actor, slice=slice, commit=landed_commit(slice, commit))
    except DomainError as error:
        messages.error(request, sentence(error))
        return HttpResponseRedirect(reverse("slices:commit", args=[org, name, commit]))
    return _shown(request, org, made)


@require_http_methods(["GET", "HEAD", "POST"])
def global_revert(request: HttpRequest, org: str, commit: str) -> HttpResponse:
    """What undoing the global commit would change; POST makes the changeset."""
    actor = signed_in(request.user)
    merged = existing_global(own_organization(actor, org).pk, commit)
    preview = request.method != "POST"
    try:
        made = revert_global(actor=actor, merged=merged, preview=preview)
    except DomainError as error:
        if error.status == 403:
            raise
        messages.error(request, sentence(error))
        return HttpResponseRedirect(reverse("slices:global-commit", args=[org, str(merged)]))
    if not preview:
        return _shown(request, org, made)
    edits = load_edits(made.plan.patchset)
    context = {
        "org": org,
        "merged": merged,
        "edits": edits[:SHOWN_FILES],
        "count": len(edits),
        "more": max(len(edits) - SHOWN_FILES, 0),
        "merging": set(made.plan.merged),
        "collided": {collision.path: collision for collision in made.plan.collisions},
    }
    return render(request, "changesets/global_revert.html", context)


def _shown(request: HttpRequest, org: str, made: Revert) -> HttpResponse:
    collisions = len(made.plan.collisions)
    if collisions:
        where = plural(collisions, "path")
        messages.warning(
            request, f"What landed since does not merge on {where}: resolve that before it can land."
        )
    return HttpResponseRedirect(reverse("changesets:changeset", args=[org, made.changeset.number]))
