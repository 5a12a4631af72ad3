"""What the pages of one slice have in common."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from gitslice.common.errors import InvalidRequest
from gitslice_core.paths import ancestors
from slices.access import Access
from slices.archives import CONTENT_TYPES
from slices.history import HEAD, settled_commit
from slices.models import Commit, Slice
from slices.reading import pending_changesets


def framed(request: HttpRequest, slice: Slice, tab: str, **context: Any) -> dict[str, Any]:
    """The context of a page of the slice: head, tabs, what the reader may do."""
    return {
        "slice": slice,
        "org": slice.organization.slug,
        "tab": tab,
        "access": Access(slice, request.user),
        "archive_formats": CONTENT_TYPES,
        "pending": pending_changesets([slice.pk]).get(slice.pk, 0),
    } | context


def wanted(request: HttpRequest, name: str, default: str = "") -> str:
    """A query parameter without what the database does not take."""
    value = request.GET.get(name, default)
    if "\0" in value:
        raise InvalidRequest(f"{name} has a NUL character")
    return value


def wanted_commit(request: HttpRequest, slice: Slice) -> tuple[Commit | None, str]:
    """The commit that `?commit=` names, by default the head (None while nothing has landed), and what was named."""
    named = wanted(request, "commit")
    return settled_commit(slice, named or HEAD, request.user), named


def path_crumbs(path: str) -> list[tuple[str, str]]:
    """(name, path) of every folder that the path stands in, and of itself."""
    return [(part.rpartition("/")[2], part) for part in [*ancestors(path), path] if part]
