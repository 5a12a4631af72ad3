"""What the forms that edit files have in common: who edits what, and contents on their way in."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts.api.access import signed_in
from accounts.models import User
from accounts.quotas.services import BYTES, quota_of
from changesets.api.access import visible_changeset
from changesets.checking import base_of
from changesets.errors import ChangesetNotFound, StalePatchset, closed
from changesets.grounds import Ground, ground_of_changeset
from changesets.models import Changeset
from changesets.mutations import REOPENABLE
from gitslice.common.errors import InvalidRequest
from gitslice.common.pages import whole_number
from gitslice.objects.services import put_blobs
from slices.access import Access
from slices.api.access import visible_slice
from slices.history import HEAD, settled_commit
from slices.views.frame import framed


def writable_ground(request: HttpRequest, org: str, name: str) -> tuple[User, Ground]:
    """Who edits, and what: the slice at the `base` of the form (its head, where a form is only opened), or `changeset`
    at the `patchset` of the form. Raises SliceForbidden, StalePatchset."""
    actor, slice = writer_of(request, org, name)
    asked = request.POST.get("changeset") or request.GET.get("changeset", "")
    number = whole_number(asked.strip().removeprefix("cl-"))
    if number is None:
        named = request.POST.get("base")
        if named is None:
            return actor, Ground(slice, settled_commit(slice, HEAD, actor))
        if "\0" in named:
            raise InvalidRequest("base has a NUL character")
        return actor, Ground(slice, base_of(actor, slice, named) if named else None)
    changeset = visible_changeset(actor, org, number)
    if changeset.slice_id != slice.pk:
        raise ChangesetNotFound(f"{changeset} is not of {slice}")
    if changeset.state not in REOPENABLE:
        raise closed(changeset)
    seen = whole_number(request.POST.get("patchset", ""))
    if seen is not None and seen != changeset.current.number:
        raise StalePatchset(f"{changeset} is at patchset {changeset.current.number}, not {seen}")
    return actor, ground_of_changeset(changeset)


def writer_of(request: HttpRequest, org: str, name: str) -> tuple[User, Any]:
    """The slice that the reader may write to. Raises Unauthenticated, SliceNotFound, SliceForbidden."""
    slice = visible_slice(request.user, org, name)
    actor = signed_in(request.user)
    Access(slice, actor).require_writer()
    return actor, slice


def on_ground(request: HttpRequest, ground: Ground, **context: Any) -> dict[str, Any]:
    """The context of a page that edits it."""
    return framed(request, ground.slice, "files", ground=ground, changeset=ground.changeset) | context


def stored(actor: User, ground: Ground, content: bytes) -> bytes:
    """Upload what was typed, as a client does; gives its digest."""
    organization = ground.slice.organization
    admit = quota_of(organization, BYTES).require_room
    ((digest, _),) = put_blobs(user=actor, organization=organization, contents=[content], admit=admit)
    return digest


def open_changesets(actor: User, ground: Ground, most: int = 50) -> list[Changeset]:
    """Those of the reader that the edits may be added to, the newest first."""
    rows = Changeset.objects.open().filter(slice=ground.slice, author=actor).order_by("-number")
    return list(rows.only("number", "title")[:most])
