"""What every page with a diff does: how it is shown, and the parts of it that come later.

The parts are asked for at the page's own address: `?part=file` gives the changes of one file, `?part=lines` lines
between its hunks, `?part=image` one side of a picture. So each part is of exactly what the page compares, and whoever
may not see the page sees no part of it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render

from gitslice.common.errors import InvalidRequest, NotFound
from gitslice.objects.services import open_blob
from slices.api.streams import FOREVER, is_known
from slices.diffs import FilePair, contents_of, is_too_large, same_content
from slices.views.diff_rows import MAX_GAP, STEP, Gap, gap_row, plain_rows
from slices.views.diffs import Compared, ShownDiff, listed_diffs, shown_diffs
from slices.views.files import IMAGES, SANDBOX, extension
from slices.views.frame import wanted
from slices.views.highlighting import line_htmls

SPLIT, UNIFIED = "split", "unified"
COOKIE = "diff_view"
YEAR = 365 * 24 * 3600
PAGE_FILES = 100  # files that come at once; those after them come when they are scrolled to
MAX_LISTED = 1_000  # files in the list at the side


def chosen_view(request: HttpRequest) -> str:
    """As the address says, else as the reader chose before."""
    view = request.GET.get("view") or request.COOKIES.get(COOKIE)
    return SPLIT if view == SPLIT else UNIFIED


def kept_view(request: HttpRequest) -> HttpResponse | None:
    """For a choice that shall be remembered (`?keep=split`): back to the page, which then shows it."""
    view = request.GET.get("keep")
    if view not in (SPLIT, UNIFIED):
        return None
    query = request.GET.copy()
    for name in ("keep", "view"):
        query.pop(name, None)
    response = HttpResponseRedirect(f"{request.path}?{query.urlencode()}" if query else request.path)
    response.set_cookie(COOKIE, view, YEAR, httponly=True, samesite="Lax", secure=request.is_secure())
    return response


def pinned(path: str, view: str, **query: Any) -> str:
    """The address of a page with what it compares, for its parts."""
    return f"{path}?{urlencode({name: value for name, value in query.items() if value} | {'view': view})}"


def diff_context(request: HttpRequest, compared: Compared) -> dict[str, Any]:
    """What the diff templates want."""
    total = len(compared.pairs)
    pages = max(-(-total // PAGE_FILES), 1)
    asked = {wanted(request, "only"), wanted(request, "whole")} - {""}
    page = _page(request, pages, compared, asked)
    listed = listed_diffs(compared, compared.pairs[:MAX_LISTED], asked)
    here = slice((page - 1) * PAGE_FILES, page * PAGE_FILES)
    files = listed[here] or listed_diffs(compared, compared.pairs[here], asked)
    counted = [file.facts for file in listed if file.facts]
    return _look(compared) | {
        "files": shown_diffs(compared, files, wanted(request, "whole")),
        "file_total": total,
        "page": page,
        "earlier": page - 1,
        "later": range(page + 1, pages + 1),
        "listed": [(at // PAGE_FILES + 1, file) for at, file in enumerate(listed)],
        "unlisted": total - len(listed),
        "additions": sum(facts.additions for facts in counted),
        "deletions": sum(facts.deletions for facts in counted),
        "uncounted": total - len(counted),
    }


def diff_part(request: HttpRequest, compared: Compared) -> HttpResponseBase | None:
    """The part that the address asks for, if it asks for one."""
    part = wanted(request, "part")
    if not part:
        return None
    if part == "files":
        return _files(request, compared)
    path = wanted(request, "path")
    pair = next((pair for pair in compared.pairs if pair.path == path), None)
    if pair is None:
        raise NotFound("this file is not part of the diff")
    if part == "file":
        return _file(request, compared, pair)
    if part == "lines":
        return _lines(request, compared, pair)
    if part == "image":
        return _image(request, compared, pair)
    raise NotFound("a diff has no such part")


def _look(compared: Compared) -> dict[str, Any]:
    return {"split": compared.split, "address": compared.address, "talk": compared.talk}


def _page(request: HttpRequest, pages: int, compared: Compared, asked: set[str]) -> int:
    """The page that is named, else the one with what is asked for."""
    places = (at for at, pair in enumerate(compared.pairs) if pair.path in asked)
    page = _number(request, "page", next(places, 0) // PAGE_FILES + 1)
    if not 1 <= page <= pages:
        raise NotFound("the diff has no such page")
    return page


def _files(request: HttpRequest, compared: Compared) -> HttpResponse:
    """One page of files, to stand below those before."""
    page = _page(request, -(-len(compared.pairs) // PAGE_FILES), compared, set())
    files = listed_diffs(compared, compared.pairs[(page - 1) * PAGE_FILES : page * PAGE_FILES])
    context = _look(compared) | {"files": shown_diffs(compared, files)}
    return render(request, "slices/parts/diff_files.html", context)


def _file(request: HttpRequest, compared: Compared, pair: FilePair) -> HttpResponse:
    [shown] = shown_diffs(compared, listed_diffs(compared, [pair], [pair.path]))
    return render(request, "slices/parts/diff_body.html", _look(compared) | {"shown": shown})


def _lines(request: HttpRequest, compared: Compared, pair: FilePair) -> HttpResponse:
    """Lines of a gap, with the gaps that are left."""
    first, last, shift = (_number(request, name) for name in ("first", "last", "shift"))
    entry = pair.new
    if entry is None or is_too_large(pair) or same_content(pair):
        raise NotFound("there are no lines between these")
    content = contents_of(compared.organization_id, [pair], compared.known)[entry.digest]
    lines = line_htmls(pair.path, entry.digest, content.decode(errors="replace"))
    last = min(last, len(lines))
    if not 1 <= first <= last:
        raise InvalidRequest("the file has no such lines")
    take = wanted(request, "take")
    size = MAX_GAP if take == "all" else STEP
    above, below = (wanted(request, name) == "True" for name in ("above", "below"))
    start = max(last - size + 1, first) if take == "up" else first
    end = min(start + size - 1, last)
    look = compared.look(pair.path)
    rows = [
        *gap_row(Gap(first, start - 1, shift, above, True), look),
        *plain_rows(lines[start - 1 : end], start, shift, look),
        *gap_row(Gap(end + 1, last, shift, True, below), look),
    ]
    return HttpResponse("".join(rows))


def _image(request: HttpRequest, compared: Compared, pair: FilePair) -> HttpResponseBase:
    """One side of a picture, as only a picture: nothing in it runs."""
    entry = pair.old if wanted(request, "side") == "old" else pair.new
    if entry is None or not ShownDiff(pair, "", None, "").picture:
        raise NotFound("there is no picture on this side")
    headers = {
        "ETag": f'"{entry.digest.hex()}"',
        "Cache-Control": FOREVER,
        "Content-Security-Policy": SANDBOX,
        "Content-Length": str(entry.size),
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(pair.path.rpartition('/')[2], safe='')}",
    }
    if is_known(request, headers["ETag"]):
        return HttpResponse(status=304, headers={"ETag": headers["ETag"], "Cache-Control": FOREVER})
    kind = IMAGES[extension(pair.path)]
    return StreamingHttpResponse(
        open_blob(compared.organization_id, entry.digest), content_type=kind, headers=headers
    )


def _number(request: HttpRequest, name: str, default: int | None = None) -> int:
    text = wanted(request, name)
    if not text and default is not None:
        return default
    if not text.removeprefix("-").isdecimal() or len(text) > 9:
        raise InvalidRequest(f"{name} is a number")
    return int(text)
