"""The history of a slice: its log, one commit, what differs between two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from gitslice.common.errors import InvalidRequest
from gitslice.common.pagination import Page, whole_key
from slices.api.access import visible_slice
from slices.api.commits import existing_commit
from slices.attributes import attributes_at
from slices.changes import changed_between, changed_by, joined_renames
from slices.diffs import FilePair
from slices.history import HEAD, LogFilter, log, settled_commit
from slices.log_bodies import commit_rows
from slices.models import Commit, Slice
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
def commit(request: HttpRequest, org: str, name: str, commit: str) -> HttpResponseBase:
    """One commit: what it did to the slice, with its diff."""
    slice = visible_slice(request.user, org, name)
    found = existing_commit(slice, commit, request.user)
    pairs = joined_renames(changed_by(slice, found, MAX_FILES * 2))

    def page(diff: dict[str, Any]) -> dict[str, Any]:
        [row] = commit_rows(slice, [found], request.user)
        more = max(found.file_count - len(pairs), len(pairs) - MAX_FILES, 0)
        return framed(request, slice, "history", commit=found, row=row, more_files=more, **diff)

    address = reverse("slices:commit", args=[org, name, bytes(found.digest).hex()])
    return _diff_answer(request, slice, found, pairs[:MAX_FILES], address, "slices/commit.html", page)


@require_safe
def compare(request: HttpRequest, org: str, name: str, span: str = "") -> HttpResponseBase:
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
    if not context["from_text"]:
        return render(request, "slices/compare.html", framed(request, slice, "history", **context))
    before = settled_commit(slice, context["from_text"], request.user)
    after = settled_commit(slice, context["to_text"], request.user)
    pairs = changed_between(slice, before, after)
    context |= {"before": before, "after": after, "more_files": max(len(pairs) - MAX_FILES, 0)}

    def page(diff: dict[str, Any]) -> dict[str, Any]:
        return framed(request, slice, "history", **context, **diff)

    address = reverse("slices:compare-two", args=[org, name, f"{_name(before)}...{_name(after)}"])
    return _diff_answer(request, slice, after, pairs[:MAX_FILES], address, "slices/compare.html", page)


def _diff_answer(
    request: HttpRequest,
    slice: Slice,
    after: Commit | None,
    pairs: Sequence[FilePair],
    path: str,
    template: str,
    page: Callable[[dict[str, Any]], dict[str, Any]],
) -> HttpResponseBase:
    """The page with the diff of the pairs, or the part of it that is asked for."""
    from slices.views import diff_pages  # it loads the highlighter
    from slices.views.diffs import Compared

    kept = diff_pages.kept_view(request)
    if kept is not None:
        return kept
    view = diff_pages.chosen_view(request)
    compared = Compared(
        organization_id=slice.organization_id,
        address=diff_pages.pinned(path, view),
        pairs=pairs,
        split=view == diff_pages.SPLIT,
        attributes=attributes_at(slice, after, [pair.path for pair in pairs]),
    )
    part = diff_pages.diff_part(request, compared)
    return part or render(request, template, page(diff_pages.diff_context(request, compared)))


def _name(commit: Commit | None) -> str:
    return bytes(commit.digest).hex() if commit else HEAD
