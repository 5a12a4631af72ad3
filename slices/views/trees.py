"""Browsing a slice: folders, files, raw contents, finding files."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gitslice.common.pages import page_or_fragment
from gitslice.common.pagination import Page, cursor_at, text_key
from slices.api.access import visible_slice
from slices.api.archives import archive_response
from slices.api.commits import existing_commit
from slices.api.streams import FOREVER, REVALIDATE, is_known
from slices.archives import TAR, archive
from slices.blobs import find_entries, open_file
from slices.coverage import covering_slices
from slices.entries import Entry, entries_at
from slices.finding import find_paths
from slices.folders import Child, list_folder
from slices.history import HEAD, LogFilter, log
from slices.last_commits import last_commits
from slices.models import Commit, Slice
from slices.patterns import patterns_of
from slices.sizes import size_of
from slices.views.files import IMAGES, SANDBOX, extension, readme_of, shown_file
from slices.views.frame import framed, path_crumbs, wanted, wanted_commit

FOUND = 60
MOST_CHILDREN = 500  # of a folder on one page
FULL_ID = 64  # hexadecimal digits


@require_safe
def tree(request: HttpRequest, org: str, name: str, path: str = "") -> HttpResponse:
    """A folder or a file of the slice, at its head or at `?commit=`."""
    slice = visible_slice(request.user, org, name)
    path = path.rstrip("/")
    commit, named = wanted_commit(request, slice)
    frame = framed(
        request,
        slice,
        "files",
        path=path,
        crumbs=path_crumbs(path),
        commit=commit,
        named=named,
        at=f"?commit={named}" if named else "",
    )
    entry = _entry_at(slice, commit, path)
    if entry is not None and commit is not None:
        return _file_page(request, slice, commit, path, entry, frame)
    return _folder_page(request, slice, commit, path, frame)


@require_safe
def raw(request: HttpRequest, org: str, name: str, path: str) -> HttpResponseBase:
    """A file's content: pictures as pictures, all else as plain text or, with `?download=1`, to keep."""
    slice = visible_slice(request.user, org, name)
    named = wanted(request, "commit") or HEAD
    entry = find_entries(slice, named, [path], request.user)[path]
    etag = f'"{entry.digest.hex()}"'
    headers = {
        "ETag": etag,
        "Cache-Control": FOREVER if len(named) == FULL_ID else REVALIDATE,
        "Content-Security-Policy": SANDBOX,
    }
    if is_known(request, etag):
        return HttpResponse(status=304, headers=headers)
    kept = request.GET.get("download") == "1"
    kind = "application/octet-stream" if kept else IMAGES.get(extension(path), "text/plain; charset=utf-8")
    filename = quote(path.rpartition("/")[2], safe="")
    headers["Content-Disposition"] = f"{'attachment' if kept else 'inline'}; filename*=UTF-8''{filename}"
    headers["Content-Length"] = str(entry.size)
    return StreamingHttpResponse(open_file(slice, entry), content_type=kind, headers=headers)


@require_safe
def download(request: HttpRequest, org: str, name: str) -> HttpResponseBase:
    """The slice, or the folder `?path=`, at its head or at `?commit=` as a `?format=` of tar.gz or zip."""
    slice = visible_slice(request.user, org, name)
    commit = existing_commit(slice, wanted(request, "commit") or HEAD, request.user)
    return archive_response(
        request, commit, archive(slice, commit, wanted(request, "path"), wanted(request, "format", TAR))
    )


@require_safe
def find(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """Files whose path holds what was typed."""
    slice = visible_slice(request.user, org, name)
    text = wanted(request, "q").strip()
    context = framed(request, slice, "files", q=text, paths=find_paths(slice, text, FOUND))
    return page_or_fragment(request, "slices/find.html", "slices/parts/found.html", context)


@require_safe
def covers(request: HttpRequest, org: str, name: str, path: str) -> HttpResponse:
    """Which slices cover a path, of those that the reader may see."""
    slice = visible_slice(request.user, org, name)
    frame = framed(request, slice, "files", path=path, crumbs=path_crumbs(path))
    return render(request, "slices/covers.html", frame | {"covering": covering(request, slice, path)})


def covering(request: HttpRequest, slice: Slice, path: str) -> list[Slice]:
    """The visible slices that cover the path now, by name; root, which covers everything, is left out."""
    covered = covering_slices(slice.organization_id, [path])
    rows = Slice.objects.visible_to(request.user).filter(pk__in=covered).select_related("organization")
    return list(rows.order_by("name"))


def _entry_at(slice: Slice, commit: Commit | None, path: str) -> Entry | None:
    if commit is None or not path or "\0" in path or not patterns_of(slice).covers(path):
        return None
    return entries_at(slice.organization_id, [path], commit.moment).get(path)


def _folder_page(
    request: HttpRequest, slice: Slice, commit: Commit | None, path: str, frame: dict[str, Any]
) -> HttpResponse:
    page = Page(request.GET)
    after = "" if page.after is None else text_key(page.after)
    children, cursor = _page_of_folder(slice, commit, path, after)
    newest = last_commits(slice, commit, path, children)
    prefix = f"{path}/" if path else ""
    rows = [(child, prefix + child.name, newest.get(child.name)) for child in children]
    last = max(newest.values(), key=lambda found: found.seq, default=None)
    readme = readme_of(slice, path, {child.name: child for child in children}, frame["named"])
    context: dict[str, Any] = {"rows": rows, "last": last, "readme": readme, "folder": path}
    context |= {"next_cursor": cursor, "after": after}
    if not path and commit is not None and not frame["named"]:
        context["size"] = size_of(slice, commit.moment)
    return render(request, "slices/tree.html", frame | context)


def _page_of_folder(
    slice: Slice, commit: Commit | None, path: str, after: str
) -> tuple[list[Child], str | None]:
    """What stands in the folder, and the cursor of the rest of a large one, which is cut in the order of paths."""
    children = list_folder(slice, commit, path, after=after, limit=MOST_CHILDREN + 1)
    if len(children) <= MOST_CHILDREN:
        return children, None
    *kept, extra = sorted(children, key=lambda child: child.place)
    return [child for child in children if child is not extra], cursor_at(kept[-1].place)


def _file_page(
    request: HttpRequest, slice: Slice, commit: Commit, path: str, entry: Entry, frame: dict[str, Any]
) -> HttpResponse:
    shown = shown_file(slice, path, entry, source=request.GET.get("source") == "1", commit=frame["named"])
    last = next(iter(log(slice, LogFilter(path=path), before=commit.seq + 1, limit=1)), None)
    context = {"file": shown, "last": last, "covering": covering(request, slice, path)}
    return render(request, "slices/file.html", frame | context)
