"""Forms that edit files: each makes edits, uploads what they need, and shows them before anything is proposed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.quotas.services import BYTES, quota_of
from changesets.api.access import visible_changeset
from changesets.edits import ADD, CHMOD, DELETE, MODIFY, RENAME, WantedEdit, parse_edits
from changesets.errors import InvalidEdit
from changesets.grounds import Ground
from changesets.plans import load_edits
from changesets.texts import content_of, text_of, why_not
from changesets.views.frame import framed
from changesets.views.grounds import on_ground, stored, writable_ground, writer_of
from changesets.views.proposing import posted_edits, preview
from gitslice.common.errors import DomainError, InvalidRequest
from gitslice.common.tags import plural
from gitslice.objects.services import put_files, read_blobs
from slices.entries import EXECUTABLE, REGULAR, SYMLINK, Entry
from slices.views.frame import path_crumbs, wanted

FORM = require_http_methods(["GET", "HEAD", "POST"])
SHOWN_FILES = 500


@FORM
def edit(request: HttpRequest, org: str, name: str, path: str) -> HttpResponse:
    """A file's text and whether it is executable; of what is no text only the latter."""
    actor, ground = writable_ground(request, org, name)
    entry = ground.entry(path)
    if request.method != "POST":
        return _edit_form(request, ground, path, entry, _content(ground, entry))
    if "again" in request.POST:
        return _edit_form(request, ground, path, *_typed_before(request, actor, ground))
    typed = request.POST.get("text")
    mode = _mode(request, entry.mode)
    try:
        if typed is None:
            return preview(request, actor, ground, [WantedEdit(CHMOD, path, mode)], f"Mode of {_last(path)}")
        content = content_of(_whole(typed), _content(ground, entry) or b"")
        digest = stored(actor, ground, content)
        op = CHMOD if digest == entry.digest else MODIFY
        return preview(request, actor, ground, [WantedEdit(op, path, mode, digest)], f"Edit {_last(path)}")
    except DomainError as error:
        shown = _content(ground, entry) if typed is None else typed.encode(errors="replace")
        return _edit_form(request, ground, path, entry._replace(mode=mode), shown, error)


@FORM
def add(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """A new text file, below `?folder=` unless another path is typed."""
    actor, ground = writable_ground(request, org, name)
    if request.method != "POST":
        return _add_form(request, ground, path=_below(wanted(request, "folder")))
    if "again" in request.POST:
        entry, content = _typed_before(request, actor, ground)
        path, text = posted_edits(request)[0].path, text_of(content or b"")[0]
        return _add_form(request, ground, path=path, text=text, executable=entry.mode == EXECUTABLE)
    path, typed = request.POST.get("path", "").strip(), request.POST.get("text", "")
    mode = EXECUTABLE if request.POST.get("executable") else REGULAR
    try:
        edits = parse_edits([{"op": ADD, "path": path, "mode": mode, "digest": "0" * 64}])
        digest = stored(actor, ground, content_of(_whole(typed)))
        return preview(request, actor, ground, [edits[0]._replace(digest=digest)], f"Add {_last(path)}")
    except DomainError as error:
        executable = mode == EXECUTABLE
        return _add_form(request, ground, error, path=path, text=typed, executable=executable)


@FORM
def move(request: HttpRequest, org: str, name: str, path: str) -> HttpResponse:
    """A new path for a file."""
    actor, ground = writable_ground(request, org, name)
    ground.entry(path)
    new = request.POST.get("to", path).strip()
    error = None
    if request.method == "POST" and "again" in request.POST:
        new = posted_edits(request)[0].path
    elif request.method == "POST":
        try:
            edits = parse_edits([{"op": RENAME, "path": new, "renamed_from": path}])
            return preview(request, actor, ground, edits, f"Move {_last(path)}")
        except DomainError as caught:
            error = caught
    context = on_ground(request, ground, path=path, to=new, crumbs=path_crumbs(path), error=error)
    return render(request, "changesets/move.html", context, status=error.status if error else 200)


@FORM
def delete(request: HttpRequest, org: str, name: str, path: str) -> HttpResponse:
    """What deleting the file would change."""
    actor, ground = writable_ground(request, org, name)
    ground.entry(path)
    return preview(request, actor, ground, [WantedEdit(DELETE, path)], f"Delete {_last(path)}")


@csrf_exempt  # checked below, once it is known that the body is worth reading
@FORM
def upload(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """One or several files, into `folder`; what stands there already is replaced."""
    writer_of(request, org, name)
    return _upload(request, org, name)


upload.max_body = "GITSLICE_MAX_UPLOAD_BYTES"  # type: ignore[attr-defined]


@csrf_protect
def _upload(request: HttpRequest, org: str, name: str) -> HttpResponse:
    actor, ground = writable_ground(request, org, name)
    folder, error = wanted(request, "folder"), None
    if request.method == "POST":
        folder = request.POST.get("folder", "").strip()
        try:
            if "again" not in request.POST:
                edits = _uploaded_edits(request, actor, ground, _below(folder))
                title = f"Upload {_last(edits[0].path) if len(edits) == 1 else plural(len(edits), 'file')}"
                return preview(request, actor, ground, edits, title)
        except DomainError as caught:
            error = caught
    context = on_ground(
        request, ground, folder=folder, error=error, most=settings.GITSLICE_MAX_UPLOAD_BYTES,
        most_files=settings.DATA_UPLOAD_MAX_NUMBER_FILES,
    )  # fmt: skip
    return render(request, "changesets/upload.html", context, status=error.status if error else 200)


@require_safe
def changeset_files(request: HttpRequest, org: str, number: int) -> HttpResponse:
    """The files of a changeset's newest patchset, each to be edited further."""
    changeset = visible_changeset(request.user, org, number)
    writer_of(request, org, changeset.slice.name)
    edits = [edit for edit in load_edits(changeset.current) if edit.new is not None]
    context = framed(request, changeset, "files", edits=edits[:SHOWN_FILES], more=edits[SHOWN_FILES:])
    return render(request, "changesets/edit_files.html", context)


def _edit_form(
    request: HttpRequest,
    ground: Ground,
    path: str,
    entry: Entry,
    content: bytes | None,
    error: DomainError | None = None,
) -> HttpResponse:
    text, reason = text_of(content) if content is not None else ("", why_not(entry))
    context = on_ground(
        request,
        ground,
        path=path,
        crumbs=path_crumbs(path),
        text=text,
        reason=reason,
        executable=entry.mode == EXECUTABLE,
        is_link=entry.mode == SYMLINK,
        error=error,
    )
    return render(request, "changesets/edit.html", context, status=error.status if error else 200)


def _add_form(
    request: HttpRequest,
    ground: Ground,
    error: DomainError | None = None,
    *,
    path: str,
    text: str = "",
    executable: bool = False,
) -> HttpResponse:
    context: dict[str, Any] = {"path": path, "text": text, "executable": executable, "error": error}
    page = on_ground(request, ground, **context)
    return render(request, "changesets/add.html", page, status=error.status if error else 200)


def _typed_before(request: HttpRequest, actor: User, ground: Ground) -> tuple[Entry, bytes | None]:
    """What the form had when its preview was made."""
    new = ground.check(actor, posted_edits(request))[0].new
    if new is None:
        raise InvalidEdit("there is no text to go on with")
    return new, _content(ground, new)


def _content(ground: Ground, entry: Entry) -> bytes | None:
    """None of what is not edited as a text."""
    if why_not(entry):
        return None
    return read_blobs(ground.slice.organization_id, {entry.digest})[entry.digest]


def _uploaded_edits(request: HttpRequest, actor: User, ground: Ground, prefix: str) -> list[WantedEdit]:
    files = request.FILES.getlist("files")
    if not files:
        raise InvalidRequest("choose at least one file")
    paths = [f"{prefix}{file.name}" for file in files]
    standing = ground.entries(paths)
    bodies = [
        {
            "op": MODIFY if path in standing else ADD,
            "path": path,
            "mode": _mode_of_file(standing.get(path)),
            "digest": "0" * 64,
        }
        for path in paths
    ]
    edits = parse_edits(bodies)
    by_path = dict(zip(paths, files, strict=True))
    organization = ground.slice.organization
    entries = put_files(
        user=actor,
        organization=organization,
        files=[(by_path[edit.path], by_path[edit.path].size or 0) for edit in edits],  # type: ignore[misc]
        admit=quota_of(organization, BYTES).require_room,
    )
    return [edit._replace(digest=digest) for edit, (digest, _) in zip(edits, entries, strict=True)]


def _mode_of_file(standing: Entry | None) -> str:
    """Of an uploaded file: that of the file which it replaces. A link is replaced by a file."""
    return standing.mode if standing and standing.mode != SYMLINK else REGULAR


def _mode(request: HttpRequest, mode: str) -> str:
    if mode == SYMLINK:
        return mode
    return EXECUTABLE if request.POST.get("executable") else REGULAR


def _whole(typed: str) -> str:
    if "\0" in typed:
        raise InvalidEdit("the text has a NUL character")
    return typed


def _below(folder: str) -> str:
    folder = folder.strip("/")
    return f"{folder}/" if folder else ""


def _last(path: str) -> str:
    return path.rpartition("/")[2]
