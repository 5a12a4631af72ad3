"""The diff of a changeset: any patchset against its base or against another, with what was said about its lines, and
which files the reader has viewed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.api.access import signed_in
from changesets.api.access import visible_changeset
from changesets.comparing import Comparison, compare_patchsets
from changesets.models import Changeset, Patchset, Thread
from changesets.placing import Spot, quoted
from changesets.reading import changeset_pairs
from changesets.viewing import mark_viewed, viewed_paths
from changesets.views.frame import framed
from changesets.views.threads import notes_between_lines
from gitslice.common.errors import InvalidRequest, NotFound
from gitslice.common.pages import is_fragment, performed, whole_number
from slices.attributes import attributes_at
from slices.diffs import FilePair
from slices.views.diff_pages import SPLIT, chosen_view, diff_context, diff_part, kept_view, pinned
from slices.views.diffs import Compared, anchor_of
from slices.views.frame import wanted


@dataclass(frozen=True)
class _Chosen:
    """What the address asks for: `shown`, compared with its base, or with the patchset `against`."""

    changeset: Changeset
    patchsets: list[Patchset]
    shown: Patchset
    against: Patchset | None

    @property
    def current(self) -> bool:
        return self.shown.pk == self.changeset.patchset_id


@require_safe
def files(request: HttpRequest, org: str, number: int) -> HttpResponseBase:
    changeset = visible_changeset(request.user, org, number)
    kept = kept_view(request)
    if kept is not None:
        return kept
    chosen = _chosen(request, changeset)
    own = changeset_pairs(chosen.shown)
    comparison = _comparison(chosen, own, wanted(request, "path") if wanted(request, "part") else "")
    viewed = _viewed(request, chosen, own)
    compared = _compared(request, chosen, own, comparison, viewed)
    part = diff_part(request, compared)
    if part is not None:
        return part
    context = diff_context(request, compared) | {
        "patchsets": chosen.patchsets,
        "shown": chosen.shown,
        "against": chosen.against,
        "left_out": len(comparison.left_out),
        "mixed": len(comparison.mixed),
        "viewing": viewed is not None,
        "viewed_count": len(viewed or ()),
        "own_count": len(own),
    }
    return render(request, "changesets/files.html", framed(request, changeset, "files", **context))


@require_POST
def viewed(request: HttpRequest, org: str, number: int) -> HttpResponse:
    """Mark a file as viewed (`viewed=PATH`) or not (`unviewed=PATH`), as the patchset that was shown leaves it."""
    actor = signed_in(request.user)
    changeset = visible_changeset(actor, org, number)
    shown = whole_number(request.POST.get("patchset", ""))
    path = request.POST.get("viewed") or request.POST.get("unviewed", "")
    mark = "viewed" in request.POST

    def mutation() -> str:
        mark_viewed(actor=actor, changeset=changeset, patchset=shown, path=path, viewed=mark)
        return f"{path} is {'viewed' if mark else 'not viewed any more'}."

    if not is_fragment(request):
        return performed(
            request, f"{reverse('changesets:files', args=[org, number])}#{anchor_of(path)}", mutation
        )
    mutation()
    own = changeset_pairs(changeset.current)
    context = {"viewed_count": len(viewed_paths(actor, changeset, own)), "own_count": len(own)}
    return render(request, "changesets/parts/viewed.html", context)


@require_safe
def comment_form(request: HttpRequest, org: str, number: int) -> HttpResponse:
    """The row with a form to comment on a line, which htmx puts below that line; a page of its own without JavaScript."""
    changeset = visible_changeset(request.user, org, number)
    split = request.GET.get("view") == "split"
    spot = {name: wanted(request, name) for name in ("path", "line", "start", "side")}
    facts = {"org": org, "changeset": changeset, "width": 4 if split else 3}
    context: dict[str, Any] = spot | facts | {"suggestion": _lines_of(changeset, spot)}
    if is_fragment(request):
        return render(request, "changesets/parts/comment_row.html", context)
    mark = "L" if spot["side"] == Thread.Side.OLD else "R"
    context["back"] = (
        f"{reverse('changesets:files', args=[org, number])}#{anchor_of(spot['path'])}{mark}{spot['line']}"
    )
    return render(request, "changesets/comment.html", framed(request, changeset, "files") | context)


def _lines_of(changeset: Changeset, spot: dict[str, str]) -> str | None:
    """The lines that are commented on, as a suggestion begins with; None where nothing can be suggested."""
    if spot["side"] == Thread.Side.OLD:
        return None
    try:
        line, start = whole_number(spot["line"]), whole_number(spot["start"])
        return quoted(changeset, changeset.current, Spot(spot["path"], line, start)).quote or None
    except InvalidRequest:
        return None


def _chosen(request: HttpRequest, changeset: Changeset) -> _Chosen:
    patchsets = list(changeset.patchsets.select_related("author", "base").order_by("number"))
    shown = _named(changeset, patchsets, wanted(request, "patchset")) or patchsets[-1]
    against = _named(changeset, patchsets, wanted(request, "against"))
    if against is not None and against.number == shown.number:
        against = None
    shown.changeset = changeset
    return _Chosen(changeset, patchsets, shown, against)


def _comparison(chosen: _Chosen, own: list[FilePair], only: str) -> Comparison:
    if chosen.against is None:
        return Comparison(own)
    return compare_patchsets(chosen.against, chosen.shown, only)


def _viewed(request: HttpRequest, chosen: _Chosen, own: list[FilePair]) -> frozenset[str] | None:
    """What the reader has viewed; None where nothing can be marked."""
    if not request.user.is_authenticated or not chosen.current:
        return None
    return viewed_paths(request.user, chosen.changeset, own)


def _compared(
    request: HttpRequest,
    chosen: _Chosen,
    own: list[FilePair],
    comparison: Comparison,
    viewed: frozenset[str] | None,
) -> Compared:
    changeset, shown, against = chosen.changeset, chosen.shown, chosen.against
    view = chosen_view(request)
    address = reverse("changesets:files", args=[changeset.organization.slug, changeset.number])
    talk = request.user.is_authenticated and against is None and chosen.current
    return Compared(
        organization_id=changeset.organization_id,
        address=pinned(address, view, patchset=shown.number, against=against and against.number),
        pairs=comparison.pairs,
        split=view == SPLIT,
        known=comparison.known,
        attributes=attributes_at(changeset.slice, shown.base, [pair.path for pair in comparison.pairs]),
        mixed=comparison.mixed,
        notes=notes_between_lines(request, changeset, shown),
        talk=talk,
        viewed=viewed,
        markable=frozenset() if viewed is None else frozenset(pair.path for pair in own),
    )


def _named(changeset: Changeset, patchsets: list[Patchset], text: str) -> Patchset | None:
    if not text:
        return None
    for patchset in patchsets:
        if str(patchset.number) == text:
            return patchset
    raise NotFound(f"{changeset} has no patchset {text[:20]}")
