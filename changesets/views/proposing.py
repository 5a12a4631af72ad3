"""Edits before and when they become a changeset: what they would change, and where they go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.models import User
from changesets.api.access import visible_changeset
from changesets.edits import ADD, DELETE, RENAME, WantedEdit, parse_edits
from changesets.errors import InvalidEdit
from changesets.grounds import Ground, edit_pairs
from changesets.models import Changeset
from changesets.services import Proposal, amend_changeset, create_changeset
from changesets.views.grounds import on_ground, open_changesets, writable_ground
from gitslice.common.errors import DomainError, InvalidRequest
from gitslice.common.pages import whole_number
from slices.views.diffs import Compared, listed_diffs, shown_diffs

NEW = "new"


def preview(
    request: HttpRequest,
    actor: User,
    ground: Ground,
    edits: Sequence[WantedEdit],
    title: str,
    error: DomainError | None = None,
) -> HttpResponse:
    """The page that shows what the edits change, with the form that proposes them. Raises as a patchset does."""
    compared = Compared(ground.slice.organization_id, "", edit_pairs(ground.check(actor, edits)))
    listed = listed_diffs(compared, compared.pairs)
    facts = [file.facts for file in listed if file.facts]
    context = {
        "files": shown_diffs(compared, listed),
        "additions": sum(fact.additions for fact in facts),
        "deletions": sum(fact.deletions for fact in facts),
        "edits": [orjson.dumps(_body(edit)).decode() for edit in edits],
        "back": _back(request, ground, edits),
        "title": title,
        "message": request.POST.get("message", ""),
        "into": request.POST.get("into", NEW),
        "open_changesets": [] if ground.changeset else open_changesets(actor, ground),
        "error": error,
    }
    page = on_ground(request, ground, **context)
    return render(request, "changesets/preview.html", page, status=error.status if error else 200)


@require_POST
def propose(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """Make the changeset, or the next patchset of one, and show it."""
    actor, ground = writable_ground(request, org, name)
    edits = posted_edits(request)
    title = request.POST.get("title", "").strip()
    try:
        changeset = _proposed(request, actor, ground, edits, title)
    except DomainError as error:
        return preview(request, actor, ground, edits, title, error)
    number = changeset.current.number
    said = f"{changeset} is open." if number == 1 else f"Patchset {number} of {changeset} is made."
    messages.success(request, said)
    return HttpResponseRedirect(reverse("changesets:changeset", args=[org, changeset.number]))


def posted_edits(request: HttpRequest) -> list[WantedEdit]:
    """The edits that a preview carries. Raises InvalidEdit."""
    try:
        bodies = [orjson.loads(text) for text in request.POST.getlist("edit")]
    except orjson.JSONDecodeError:
        raise InvalidEdit("an edit of the form cannot be read") from None
    if not bodies:
        raise InvalidEdit("there is nothing to propose")
    return parse_edits(bodies)


def _proposed(
    request: HttpRequest, actor: User, ground: Ground, edits: Sequence[WantedEdit], title: str
) -> Changeset:
    text = request.POST.get("message", "").replace("\r\n", "\n").strip()
    if "\0" in title + text:
        raise InvalidRequest("the text has a NUL character")
    into = request.POST.get("into", NEW)
    base = ground.commit.hex if ground.commit else None
    if ground.changeset is None and into == NEW:
        proposal = Proposal(base, edits)
        return create_changeset(
            actor=actor, slice=ground.slice, title=title, description=text, proposal=proposal
        )
    if not title:
        raise InvalidRequest("say in a few words what you changed")
    message = f"{title}\n\n{text}".strip()
    if ground.changeset is not None:
        number = ground.changeset.current.number
        return amend_changeset(
            actor=actor, changeset=ground.changeset, edits=edits, message=message, expected_patchset=number
        )
    changeset = visible_changeset(actor, ground.slice.organization.slug, whole_number(into) or 0)
    if changeset.slice_id != ground.slice.pk:
        raise InvalidRequest(f"{changeset} is not of {ground.slice}")
    return amend_changeset(actor=actor, changeset=changeset, edits=edits, made_on=base, message=message)


def _body(edit: WantedEdit) -> dict[str, Any]:
    body = {
        "op": edit.op,
        "path": edit.path,
        "mode": edit.mode,
        "digest": edit.digest.hex() if edit.digest else None,
        "renamed_from": edit.renamed_from,
    }
    return {name: value for name, value in body.items() if value is not None}


def _back(request: HttpRequest, ground: Ground, edits: Sequence[WantedEdit]) -> str:
    """Where one goes on editing; empty where there is nothing more to say."""
    org, name = ground.slice.organization.slug, ground.slice.name
    [edit] = edits if len(edits) == 1 else [None]
    if request.POST.get("form") == "upload" or edit is None:
        return reverse("changesets:upload", args=[org, name])
    if edit.op == DELETE:
        return ""
    if edit.op == ADD:
        return reverse("changesets:add", args=[org, name])
    form = "move" if edit.op == RENAME else "edit"
    return reverse(f"changesets:{form}", args=[org, name, edit.renamed_from or edit.path])
