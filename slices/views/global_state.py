"""The global state: timeline, what waits, merge, tags."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.api.access import own_organization, signed_in
from accounts.models import Organization, User
from gitslice.common.pages import page_or_fragment, performed
from gitslice.common.pagination import Page, whole_key
from slices.access import administers
from slices.global_state.folders import MOST_FOLDERS, changed_folders
from slices.global_state.merging import may_merge, merge_global
from slices.global_state.naming import existing_global
from slices.global_state.progress import running_merge
from slices.global_state.reading import (
    Sight,
    global_detail,
    global_rows,
    landed_rows,
    pending_seqs,
    slice_rows,
    status_body,
)
from slices.global_state.recomputing import members
from slices.global_state.tags import create_tag
from slices.models import GlobalCommit

SHOWN_PENDING = 20
SHOWN_SLICES = 100
SHOWN_LANDED = 500


@require_safe
def of_all(request: HttpRequest) -> HttpResponse:
    """The organizations whose global state one sees; with only one of them, that one's."""
    organizations = list(
        Organization.objects.filter(memberships__user=signed_in(request.user)).order_by("slug")
    )
    if len(organizations) == 1:
        return HttpResponseRedirect(_address(organizations[0]))
    return render(request, "slices/global_all.html", {"organizations": organizations})


@require_safe
def state(request: HttpRequest, org: str) -> HttpResponse:
    """The newest global commit, what waits, how far slices are ahead, and the timeline."""
    user = signed_in(request.user)
    organization = own_organization(user, org)
    sight = Sight(user, organization)
    page = Page(request.GET)
    commits = GlobalCommit.objects.filter(organization=organization).select_related("author", "parent")
    if page.after is not None:
        commits = commits.filter(number__lt=whole_key(page.after))
    shown, cursor = page.cut(
        list(commits.order_by("-number")[: page.limit + 1]), lambda commit: commit.number
    )
    pending = pending_seqs(sight, 0)
    context = {
        "organization": organization,
        "org": org,
        "status": status_body(sight),
        "rows": global_rows(sight, shown),
        "running": running_merge(organization.pk),
        "pending": landed_rows(sight, pending[:SHOWN_PENDING]),
        "more_pending": max(len(pending) - SHOWN_PENDING, 0),
        "slices": [
            row | {"short_name": row["slice"].rpartition("/")[2]}
            for row in slice_rows(sight, pending)[:SHOWN_SLICES]
        ],
        "may_merge": may_merge(user, organization),
        "next_cursor": cursor,
    }
    return page_or_fragment(request, "slices/global.html", "slices/parts/global.html", context)


@require_safe
def commit(request: HttpRequest, org: str, commit: str) -> HttpResponse:
    """One global commit: what is in it, its tags."""
    user = signed_in(request.user)
    organization = own_organization(user, org)
    found = existing_global(organization.pk, commit)
    sight = Sight(user, organization)
    row = global_detail(sight, found)
    landed = row["merged"][:SHOWN_LANDED]
    context = {
        "organization": organization,
        "org": org,
        "row": row,
        "landed": [facts | {"address": _commit_address(facts)} for facts in landed],
        "more_landed": max(len(row["merged"]) - SHOWN_LANDED, 0),
        "most_folders": MOST_FOLDERS,
        "folders": changed_folders(user, found, sight.of(members(found))),
        "may_merge": may_merge(user, organization),
        "may_revert": administers(user, organization.pk),
    }
    return render(request, "slices/global_commit.html", context)


@require_POST
def merge(request: HttpRequest, org: str) -> HttpResponse:
    user = signed_in(request.user)
    organization = own_organization(user, org)
    return performed(request, _address(organization), lambda: _merged(user, organization))


@require_POST
def tag(request: HttpRequest, org: str, commit: str) -> HttpResponse:
    user = signed_in(request.user)
    organization = own_organization(user, org)
    target = existing_global(organization.pk, commit)
    name, message = request.POST.get("name", "").strip(), request.POST.get("message", "").strip()

    def perform() -> str:
        create_tag(actor=user, organization=organization, name=name, target=target, message=message)
        return f"{target} is {name} from now on."

    return performed(request, reverse("slices:global-commit", args=[org, str(target)]), perform)


def _merged(user: User, organization: Organization) -> str:
    done = merge_global(actor=user, organization=organization)
    if done is None:
        return "Nothing waits: the global state has all that landed."
    merged, batch = done
    more = f" {batch.left:,} still wait." if batch.left else ""
    return f"{merged} holds {len(batch.seqs):,} landed commits.{more}"


def _commit_address(facts: dict[str, Any]) -> str | None:
    """The page of a landed commit, in the slice that it landed through."""
    if facts["slice"] is None:
        return None
    return reverse("slices:commit", args=[*facts["slice"].split("/"), facts["commit"]])


def _address(organization: Organization) -> str:
    return reverse("slices:global", args=[organization.slug])
