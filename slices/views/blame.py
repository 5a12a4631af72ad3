"""Who last changed each line of a file, beside the lines."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from slices.api.access import visible_slice
from slices.blame import Blame, blame
from slices.errors import FileTooLarge, NotText
from slices.log_bodies import blame_sources
from slices.models import Commit, Slice
from slices.views.frame import framed, path_crumbs, wanted_commit

AGES = 6  # classes age-0 (the oldest) to age-5 of static/css/code.css


@require_safe
def blamed(request: HttpRequest, org: str, name: str, path: str) -> HttpResponse:
    """The file at the head or at `?commit=`: each run of lines with the commit that they came with."""
    slice = visible_slice(request.user, org, name)
    path = path.rstrip("/")
    commit, named = wanted_commit(request, slice)
    context = framed(
        request,
        slice,
        "files",
        path=path,
        crumbs=path_crumbs(path),
        commit=commit,
        named=named,
        at=f"?commit={named}" if named else "",
    )
    try:
        context |= _lines(request, slice, commit, path)
    except (NotText, FileTooLarge) as refused:
        context["refused"] = refused
    return render(request, "slices/blame.html", context)


def _lines(request: HttpRequest, slice: Slice, commit: Commit | None, path: str) -> dict[str, Any]:
    found = blame(slice, commit, path)
    rows = blame_sources(slice, found, request.user)
    ages = {name: AGES * place // len(rows) for place, name in enumerate(reversed(rows))}
    runs = [(rows[name], ages[name], html) for name, html in _runs(path, found)]
    return {
        "runs": runs,
        "complete": found.complete,
        "commits": len(rows),
        "people": len({row["author"] for row in rows.values()}),
        "line_count": len(found.sources),
        "entry": found.entry,
    }


def _runs(path: str, found: Blame) -> Iterator[tuple[str, SafeString]]:
    """Neighbouring lines of one commit together: its id, and the lines with their numbers."""
    if not found.sources:
        return
    from slices.views.highlighting import line_htmls, numbered_html  # heavy, and only needed here

    lines = line_htmls(path, found.entry.digest, found.content.decode(errors="replace"))
    numbered = enumerate(zip(found.sources, lines, strict=True), 1)
    for name, run in groupby(numbered, lambda line: str(line[1][0].commit)):
        yield name, mark_safe("".join(numbered_html(number, html) for number, (_, html) in run))
