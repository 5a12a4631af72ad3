"""The history of a slice: its log, one commit, what differs between two."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gitslice.common.errors import InvalidRequest
from gitslice.common.pagination import Page, whole_key
from slices.api.access import visible_slice
from slices.api.commits import existing_commit
from slices.changes import changed_between, changed_by, joined_renames
from slices.diffs import file_diffs
from slices.history import HEAD, LogFilter, log, settled_commit
from slices.log_bodies import commit_rows
from slices.renames import former_paths, path_then
from slices.views.frame import framed, path_crumbs, wanted

RECENT = 50  # commits to choose from
MAX_FILES = 300  # of a diff on one page


@require_safe
def history(request: HttpRequest, org: str, name: str, path: str = "") -> HttpResponse:
    """The log of the slice, or of one file or folder of it, newest first."""
    slice = visible_slice(request.user, org, name)
    page = Page(request.GET)
    before = None if page.after is None else whole_key(page.after)
    if "\0" in path:
        raise InvalidRequest("the path has a NUL character")
    path = path.rstrip("/")
    former = former_paths(slice, path) if path else []
    sought = LogFilter(
        author=wanted(request, "author"), grep=wanted(request, "q"), path=path, former=tuple(former)
    )
    shown, cursor = page.cut(
        log(slice, sought, before=before, limit=page.limit + 1), lambda commit: commit.seq
    )
    context = {
        "commits": [
            row | {"path": path_then(path, former, commit.seq)}
            for row, commit in zip(commit_rows(slice, shown, request.user), shown, strict=True)
        ],
        "former": former,
        "next_cursor": cursor,
        "path": path,
        "crumbs": path_crumbs(path),
        "q": sought.grep,
        "author": sought.author,
    }
    return render(request, "slices/history.html", framed(request, slice, "history", **context))


@require_safe
def commit(request: HttpRequest, org: str, name: str, commit: str) -> HttpResponse:
    """One commit: what it did to the slice, with its diff."""
    slice = visible_slice(request.user, org, name)
    found = existing_commit(slice, commit, request.user)
    pairs = joined_renames(changed_by(slice, found, MAX_FILES * 2))
    shown = pairs[:MAX_FILES]
    [row] = commit_rows(slice, [found], request.user)
    context = _diff_context(request, file_diffs(slice.organization_id, shown))
    context |= {
        "commit": found,
        "row": row,
        "more_files": max(found.file_count - len(pairs), len(pairs) - MAX_FILES, 0),
    }
    return render(request, "slices/commit.html", framed(request, slice, "history", **context))


@require_safe
def compare(request: HttpRequest, org: str, name: str, span: str = "") -> HttpResponse:
    """What differs between two commits of the slice, `FROM...TO`; the form of the page leads there."""
    slice = visible_slice(request.user, org, name)
    if wanted(request, "from") and wanted(request, "to"):
        chosen = f"{wanted(request, 'from').strip()}...{wanted(request, 'to').strip()}"
        if "/" not in chosen:
            return HttpResponseRedirect(reverse("slices:compare-two", args=[org, name, chosen]))
    old, dots, new = span.partition("...")
    if span and (not old or not dots or "\0" in span):
        raise InvalidRequest("two commits are compared as FROM...TO")
    context: dict[str, Any] = {"from_text": old or wanted(request, "from"), "to_text": new or HEAD}
    context["recent"] = log(slice, LogFilter(), before=None, limit=RECENT)
    if context["from_text"]:
        before = settled_commit(slice, context["from_text"], request.user)
        after = settled_commit(slice, context["to_text"], request.user)
        pairs = changed_between(slice, before, after)
        context |= _diff_context(request, file_diffs(slice.organization_id, pairs[:MAX_FILES]))
        context |= {"before": before, "after": after, "more_files": max(len(pairs) - MAX_FILES, 0)}
    return render(request, "slices/compare.html", framed(request, slice, "history", **context))


def _diff_context(request: HttpRequest, files: list[dict[str, Any]]) -> dict[str, Any]:
    from slices.views.diffs import shown_diffs  # it loads the highlighter

    split = request.GET.get("view") == "split"
    return {
        "files": shown_diffs(files, split=split, only=wanted(request, "only")),
        "split": split,
        "additions": sum(file["additions"] for file in files),
        "deletions": sum(file["deletions"] for file in files),
    }
