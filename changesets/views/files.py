"""The diff of a changeset: any patchset against its base or against another, with what was said about its lines."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from changesets.api.access import visible_changeset
from changesets.comparing import patchset_diffs
from changesets.models import Changeset, Patchset
from changesets.reading import changeset_diffs
from changesets.views.frame import framed
from gitslice.common.errors import NotFound
from slices.views.diffs import shown_diffs
from slices.views.frame import wanted
from slices.views.markup import markdown_html


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
            notes=_notes(changeset, shown),
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
    context = {"path": wanted(request, "path"), "line": wanted(request, "line"), "org": org}
    width = 4 if request.GET.get("view") == "split" else 3
    return render(
        request, "changesets/parts/comment_row.html", context | {"changeset": changeset, "width": width}
    )


def _named(changeset: Changeset, patchsets: list[Patchset], text: str) -> Patchset | None:
    if not text:
        return None
    for patchset in patchsets:
        if str(patchset.number) == text:
            return patchset
    raise NotFound(f"{changeset} has no patchset {text[:20]}")


def _notes(changeset: Changeset, patchset: Patchset) -> dict[str, dict[int, str]]:
    """Path -> line -> HTML of the comments on that line of the patchset."""
    threads: dict[str, dict[int, list[dict[str, Any]]]] = {}
    comments = changeset.comments.filter(patchset=patchset, line__isnull=False).exclude(path="")
    for comment in comments.select_related("author"):
        said = {"comment": comment, "text": markdown_html(comment.body)}
        threads.setdefault(comment.path, {}).setdefault(comment.line or 0, []).append(said)
    return {
        path: {
            line: render_to_string("changesets/parts/thread.html", {"thread": thread})
            for line, thread in lines.items()
        }
        for path, lines in threads.items()
    }
