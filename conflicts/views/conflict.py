"""One conflict: its three sides, the result being edited, who takes care of it, what was said and done."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.api.access import signed_in
from accounts.models import User
from changesets.models import Changeset
from conflicts.bodies import RELATED, conflict_bodies
from conflicts.errors import ConflictNotFound
from conflicts.models import Conflict, ConflictEvent
from gitslice.objects.services import read_blobs
from gitslice_core.merge import Conflict as Hunk
from gitslice_core.merge import Merge, MergeTooLarge, mark, merge
from slices.access import Access
from slices.views.frame import wanted
from slices.views.markup import markdown_html

EDITABLE = ("content", "add_add")
MOST_BYTES = 300_000  # of a text that is edited in the browser
PICKS = ("ours", "theirs", "both")


@require_safe
def conflict(request: HttpRequest, org: str, conflict_id: int) -> HttpResponse:
    row = visible_row(request, org, conflict_id)
    [body] = conflict_bodies([row], request.user, wanted_side(request, row))
    own = own_side(row, body)
    access = Access(own.slice, request.user)
    picks = _picks(request)
    result = _result(row, body) if row.state == "open" and access.can_write else None
    context: dict[str, Any] = {
        "org": org,
        "row": row,
        "conflict": body,
        "own": own,
        "slice": own.slice,
        "access": access,
        "can_resolve": access.can_write and row.state == "open" and own.is_open,
        "hunks": [hunk | {"pick": picks.get(at, "")} for at, hunk in enumerate(body["hunks"])],
        "result": _text(_picked(result, picks)) if result else None,
        "events": _events(row, request.user),
        "sides": _sides(row, request),
    }
    return render(request, "conflicts/conflict.html", context)


def visible_row(request: HttpRequest, org: str, conflict_id: int) -> Conflict:
    rows = Conflict.objects.visible_to(request.user).filter(organization__slug=org, pk=conflict_id)
    related = (*RELATED, "changeset__patchset", "their_changeset__patchset", "changeset__slice__definition")
    found = rows.select_related(*related, "their_changeset__slice__definition").first()
    if found is None:
        signed_in(request.user)
        raise ConflictNotFound(f"there is no conflict {conflict_id} in {org}")
    return found


def wanted_side(request: HttpRequest, row: Conflict) -> int | None:
    """The id of the changeset from whose side it is looked at, if `?changeset=cl-7` names one of the two."""
    named = wanted(request, "changeset")
    for side in (row.changeset, row.their_changeset):
        if side is not None and named == str(side):
            visible = Changeset.objects.visible_to(request.user).filter(pk=side.pk).exists()
            return side.pk if visible else None
    return None


def own_side(row: Conflict, body: dict[str, Any]) -> Changeset:
    """The changeset whose side `body` tells."""
    other = row.their_changeset
    return other if other is not None and str(other) == body["changeset"] else row.changeset


def _sides(row: Conflict, request: HttpRequest) -> list[Changeset]:
    """Both changesets, where the reader may look from either side."""
    sides = [side for side in (row.changeset, row.their_changeset) if side is not None]
    seen = Changeset.objects.visible_to(request.user).filter(pk__in=[side.pk for side in sides]).count()
    return sides if len(sides) == 2 and seen == 2 else []


def _picks(request: HttpRequest) -> dict[int, str]:
    """`?pick0=ours&pick1=both`: what was chosen for each hunk."""
    picks = {
        name[4:]: value for name, value in request.GET.items() if name.startswith("pick") and value in PICKS
    }
    return {int(number): value for number, value in picks.items() if number.isdecimal() and len(number) < 6}


def _result(row: Conflict, body: dict[str, Any]) -> Merge | None:
    """The merge of both sides; None where there is no text to edit."""
    entries = [body[side] for side in ("base", "ours", "theirs")]
    if body["kind"] not in EDITABLE or any(entry and entry["mode"] == "120000" for entry in entries):
        return None
    if any(entry["size"] > MOST_BYTES for entry in entries if entry):
        return None
    digests = {bytes.fromhex(entry["digest"]) for entry in entries if entry}
    contents = read_blobs(row.organization_id, digests)
    base, ours, theirs = (contents[bytes.fromhex(entry["digest"])] if entry else b"" for entry in entries)
    try:
        merged = merge(base, ours, theirs, settings.GITSLICE_MAX_MERGE_BYTES)
    except MergeTooLarge:
        return None
    return None if merged.binary else merged


def _picked(result: Merge, picks: dict[int, str]) -> Merge:
    """The merge with the chosen hunks settled."""
    pieces = []
    number = 0
    for piece in result.pieces:
        if isinstance(piece, Hunk):
            pick = picks.get(number, "")
            number += 1
            settled = {"ours": piece.ours, "theirs": piece.theirs, "both": piece.ours + piece.theirs}
            pieces.append(settled.get(pick, piece))
        else:
            pieces.append(piece)
    return result._replace(pieces=tuple(pieces))


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
