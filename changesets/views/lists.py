"""Lists of changesets, with filters."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.api.access import visible_organization
from changesets.models import Changeset
from changesets.mutations import REOPENABLE
from changesets.querysets import ChangesetQuerySet
from changesets.views.dashboard import shown_rows
from gitslice.common.errors import InvalidRequest
from gitslice.common.pages import page_or_fragment
from gitslice.common.pagination import Page, whole_key
from slices.views.frame import wanted

ANY = "all"
STATES = ("open", *Changeset.State.values, ANY)


@require_safe
def all_changesets(request: HttpRequest, org: str = "") -> HttpResponse:
    """Changesets that one may see, newest first; open ones unless `?state=` says otherwise."""
    organization = visible_organization(request.user, org) if org else None
    chosen = {
        name: wanted(request, name).strip() for name in ("state", "slice", "author", "q", "mine", "turn")
    }
    chosen["state"] = chosen["state"] or "open"
    rows = Changeset.objects.visible_to(request.user)
    if organization:
        rows = rows.filter(organization=organization)
    page = Page(request.GET)
    rows = _filtered(rows, chosen, request)
    if page.after is not None:
        rows = rows.filter(pk__lt=whole_key(page.after))
    found = list(shown_rows(rows, request.user).order_by("-pk")[: page.limit + 1])
    shown, cursor = page.cut(found, lambda row: row.pk)
    context: dict[str, Any] = {
        "organization": organization,
        "changesets": shown,
        "next_cursor": cursor,
        "chosen": chosen,
        "states": STATES,
        "filtered": any(chosen[name] for name in ("slice", "author", "q", "mine", "turn")),
    }
    return page_or_fragment(request, "changesets/list.html", "changesets/parts/rows.html", context)


def _filtered(rows: ChangesetQuerySet, chosen: dict[str, str], request: HttpRequest) -> ChangesetQuerySet:
    state = chosen["state"]
    if state not in STATES:
        raise InvalidRequest(f"state is one of {', '.join(STATES)}")
    if state == "open":
        rows = rows.filter(state__in=REOPENABLE) if chosen["turn"] else rows.open()
    elif state != ANY:
        rows = rows.filter(state=state)
    if chosen["slice"]:
        org, _, name = chosen["slice"].rpartition("/")
        rows = rows.filter(slice__name=name)
        rows = rows.filter(organization__slug=org) if org else rows
    if chosen["author"]:
        rows = rows.filter(author__username=chosen["author"])
    if chosen["mine"]:
        rows = rows.filter(Q(author=request.user.pk) | Q(reviewers=request.user.pk))
    if chosen["turn"]:
        rows = rows.filter(attention__user=request.user.pk)
    if chosen["q"]:
        number = chosen["q"].lower().removeprefix("cl-")
        title = Q(title__icontains=chosen["q"])
        rows = rows.filter(
            title | Q(number=int(number)) if number.isdecimal() and len(number) < 18 else title
        )
    return rows.distinct() if chosen["mine"] else rows
