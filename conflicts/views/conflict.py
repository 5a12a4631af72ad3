"""One conflict: its three sides, the result being edited, who takes care of it, what was said and done."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.api.access import signed_in
from accounts.models import User
from changesets.models import Changeset
from conflicts.bodies import RELATED, conflict_bodies
from conflicts.errors import ConflictNotFound
from conflicts.models import Conflict, ConflictEvent
from conflicts.picking import PICKS, merged_sides, picked
from conflicts.views.choices import whole_choices
from conflicts.views.kept import kept_of
from gitslice_core.merge import Merge, mark
from slices.access import Access
from slices.entries import EXECUTABLE, Entry
from slices.views.frame import wanted
from slices.views.markup import markdown_html

NOT_EDITED = ("rename", "file_folder", "binary")  # kinds without a text to work on
MOST_BYTES = 300_000  # of a text that is edited in the browser
MOST_OTHERS = 200
NO_CHANGE = 204


@require_safe
def conflict(request: HttpRequest, org: str, conflict_id: int) -> HttpResponse:
    row = visible_row(request, org, conflict_id)
    context = _context(request, org, row)
    body, own = context["conflict"], context["own"]
    picks = picks_of(request.GET)
    result = None
    if context["can_resolve"]:
        result = result_of(row.organization_id, body)
    context |= {
        "hunks": [hunk | {"pick": picks.get(at, "")} for at, hunk in enumerate(body["hunks"])],
        "picks": picks,
        "result": _text(picked(result, picks)) if result else None,
        "executable": (body["ours"] or body["theirs"] or {}).get("mode") == EXECUTABLE,
        "choices": whole_choices(body, context["access"]) if context["can_resolve"] else [],
        "kept": kept_of(request, own),
        "sides": _sides(row, request),
        "concerned": _concerned(body, request.user),
    }
    return render(request, "conflicts/conflict.html", context)


@require_safe
def live(request: HttpRequest, org: str, conflict_id: int) -> HttpResponse:
    """The parts of the page that others change; nothing if `?seen=` is what there is. What is being typed stays."""
    row = visible_row(request, org, conflict_id)
    context = _context(request, org, row)
    if request.GET.get("seen") == context["stamp"]:
        return HttpResponse(status=NO_CHANGE)
    context |= {"is_live": True, "looked_at": wanted(request, "looked_at")}
    return render(request, "conflicts/parts/live.html", context)


def _context(request: HttpRequest, org: str, row: Conflict) -> dict[str, Any]:
    [body] = conflict_bodies([row], request.user, wanted_side(request, row))
    own = own_side(row, body)
    access = Access(own.slice, request.user)
    others = open_ids(request.user, own)
    last = ConflictEvent.objects.told_to(request.user).filter(conflict=row).aggregate(last=Max("pk"))
    return {
        "org": org,
        "row": row,
        "conflict": body,
        "own": own,
        "slice": own.slice,
        "access": access,
        "can_resolve": access.can_write and row.state == "open" and own.is_open and bool(body["kind"]),
        "events": _events(row, request.user),
        "stamp": f"{row.updated_at.timestamp()}-{last['last']}-{len(others)}-{own.current.number}",
        "facts": facts_stamp(body, own),
        "events_url": _events_url(row, own),
        **_neighbours(others, row.pk),
    }


def _events_url(row: Conflict, own: Changeset) -> str:
    """Where a browser hears of it. Events name the changeset of the row; who looks from the other side may not see that
    one, and listens to their slice."""
    named = f"changeset={own.number}" if own.pk == row.changeset_id else f"slice={own.slice.name}"
    return f"{reverse('events', args=[own.organization.slug])}?kinds=conflict&{named}"


def visible_row(request: HttpRequest, org: str, conflict_id: int) -> Conflict:
    rows = Conflict.objects.visible_to(request.user).filter(organization__slug=org, pk=conflict_id)
    related = (*RELATED, "changeset__patchset", "their_changeset__patchset", "changeset__slice__definition")
    found = rows.select_related(*related, "their_changeset__slice__definition").first()
    if found is None:
        signed_in(request.user)
        raise ConflictNotFound(f"there is no conflict {conflict_id} in {org}")
    return found


def wanted_side(request: HttpRequest, row: Conflict, named: str | None = None) -> int | None:
    """The id of the changeset from whose side it is looked at, if `?changeset=cl-7` names one of the two."""
    named = wanted(request, "changeset") if named is None else named
    for side in (row.changeset, row.their_changeset):
        if side is not None and named == str(side):
            visible = Changeset.objects.visible_to(request.user).filter(pk=side.pk).exists()
            return side.pk if visible else None
    return None


def own_side(row: Conflict, body: dict[str, Any]) -> Changeset:
    """The changeset whose side `body` tells."""
    other = row.their_changeset
    return other if other is not None and str(other) == body["changeset"] else row.changeset


def open_ids(reader: User | AnonymousUser, own: Changeset) -> list[int]:
    """The open conflicts of the changeset of which the reader sees both sides, by path."""
    rows = Conflict.objects.open().told_to(reader).of_changeset(own.pk)
    return list(rows.order_by("path", "pk").values_list("pk", flat=True)[:MOST_OTHERS])


def result_of(organization_id: int, body: dict[str, Any]) -> Merge | None:
    """The merge of both sides; None where there is no text to edit."""
    if body["kind"] in NOT_EDITED or not (body["ours"] or body["theirs"]):
        return None
    base, ours, theirs = (entry_of_body(body[side]) for side in ("base", "ours", "theirs"))
    return merged_sides(organization_id, base, ours, theirs, most=MOST_BYTES)


def entry_of_body(body: dict[str, Any] | None) -> Entry | None:
    return Entry(body["mode"], bytes.fromhex(body["digest"]), body["size"]) if body else None


def picks_of(fields: Any) -> dict[int, str]:
    """`pick0=ours&pick1=both`: what was chosen for each hunk."""
    picks = {name[4:]: value for name, value in fields.items() if name.startswith("pick") and value in PICKS}
    return {int(number): value for number, value in picks.items() if number.isdecimal() and len(number) < 6}


def facts_stamp(body: dict[str, Any], own: Changeset) -> str:
    """Changes when what one decides on does."""
    sides = ((body[side] or {}).get("digest", "")[:16] for side in ("base", "ours", "theirs"))
    return "-".join([*sides, str(own.current.number), body["state"]])


def _neighbours(others: list[int], here: int) -> dict[str, Any]:
    """Where this one is among the open ones, and which is next; one that is closed is in front of the first."""
    at = others.index(here) if here in others else -1
    rest = [*others[at + 1 :], *others[: max(at, 0)]]
    return {
        "place": at + 1,
        "count": len(others),
        "next_id": rest[0] if rest else None,
        "previous_id": others[at - 1] if at > 0 else None,
    }


def _sides(row: Conflict, request: HttpRequest) -> list[Changeset]:
    """Both changesets, where the reader may look from either side."""
    sides = [side for side in (row.changeset, row.their_changeset) if side is not None]
    seen = Changeset.objects.visible_to(request.user).filter(pk__in=[side.pk for side in sides]).count()
    return sides if len(sides) == 2 and seen == 2 else []


def _concerned(body: dict[str, Any], reader: User | AnonymousUser) -> list[str]:
    """Who is likely to take care of it."""
    authors = {side["author"] for side in body["sides"].values() if side}
    return sorted(authors | {reader.get_username()} - {""})


def _text(result: Merge) -> str | None:
    try:
        return mark(result, "ours", "theirs").decode()
    except UnicodeDecodeError:
        return None


def _events(row: Conflict, reader: User | AnonymousUser) -> list[dict[str, Any]]:
    """What was said and done, as far as the reader is told."""
    events = ConflictEvent.objects.told_to(reader).filter(conflict=row).select_related("actor")
    return [
        {"event": event, "text": markdown_html(event.body) if event.body else "", "who": _name(event.actor)}
        for event in events
    ]


def _name(actor: User | None) -> str:
    return actor.username if actor else ""
