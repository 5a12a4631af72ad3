"""The diff of a changeset: any patchset against its base or against another, with what was said about its lines."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from changesets.api.access import visible_changeset
from changesets.comparing import patchset_diffs
from changesets.models import Changeset, Patchset, Thread
from changesets.placing import Spot, quoted
from changesets.reading import changeset_diffs
from changesets.views.frame import framed
from changesets.views.threads import notes_between_lines
from gitslice.common.errors import InvalidRequest, NotFound
from gitslice.common.pages import whole_number
from slices.views.diffs import shown_diffs
from slices.views.frame import wanted


@require_safe
def files(request: HttpRequest, org: str, number: int) -> HttpResponse:
    changeset = visible_changeset(request.user, org, number)
    patchsets = list(changeset.patchsets.select_related("author").order_by("number"))
    shown = _named(changeset, patchsets, wanted(request, "patchset")) or patchsets[-1]
    against = _named(changeset, patchsets, wanted(request, "against"))
    if against is not None and against.number == shown.number:
        against = None
    shown.changeset = changeset
    diffs = patchset_diffs(against, shown) if against else changeset_diffs(shown)
    split = request.GET.get("view") == "split"
    talk = request.user.is_authenticated and against is None and shown.pk == changeset.patchset_id
    context = {
        "patchsets": patchsets,
        "shown": shown,
        "against": against,
        "files": shown_diffs(
            diffs,
            split=split,
            notes=notes_between_lines(request, changeset, shown),
            talk=talk,
            only=wanted(request, "only"),
        ),
        "split": split,
        "talk": talk,
        "additions": sum(file["additions"] for file in diffs),
        "deletions": sum(file["deletions"] for file in diffs),
    }
    return render(request, "changesets/files.html", framed(request, changeset, "files", **context))


@require_safe
def comment_form(request: HttpRequest, org: str, number: int) -> HttpResponse:
    """The row with a form to comment on a line, which htmx puts below that line."""
    changeset = visible_changeset(request.user, org, number)
    split = request.GET.get("view") == "split"
    spot = {name: wanted(request, name) for name in ("path", "line", "start", "side")}
    facts = {"org": org, "changeset": changeset, "width": 4 if split else 3}
    context = spot | facts | {"suggestion": _lines_of(changeset, spot)}
    return render(request, "changesets/parts/comment_row.html", context)


def _lines_of(changeset: Changeset, spot: dict[str, str]) -> str | None:
    """The lines that are commented on, as a suggestion begins with; None where nothing can be suggested."""
    if spot["side"] == Thread.Side.OLD:
        return None
    try:
        line, start = whole_number(spot["line"]), whole_number(spot["start"])
        return quoted(changeset, changeset.current, Spot(spot["path"], line, start)).quote or None
    except InvalidRequest:
        return None


def _named(changeset: Changeset, patchsets: list[Patchset], text: str) -> Patchset | None:
    if not text:
        return None
    for patchset in patchsets:
        if str(patchset.number) == text:
            return patchset
    raise NotFound(f"{changeset} has no patchset {text[:20]}")
