"""Reads query parameters."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils.dateparse import parse_date, parse_datetime
from rest_framework.request import Request

from gitslice.common.errors import InvalidPath, InvalidRequest
from gitslice_core.paths import PathError, validate_path


def text(request: Request, name: str, default: str = "") -> str:
    value = request.query_params.get(name, default)
    if "\0" in value:
        raise InvalidRequest(f"{name} has a NUL character")
    return value


def flag(request: Request, name: str) -> bool:
    value = text(request, name)
    if value not in ("", "0", "1", "false", "true"):
        raise InvalidRequest(f"{name} is 1 or 0, not {value[:50]!r}")
    return value in ("1", "true")


def path(request: Request, name: str = "path") -> str:
    """A valid path of the tree, or '' where none is given. A slash at the end is dropped."""
    value = request.query_params.get(name, "").removesuffix("/")
    if value:
        try:
            validate_path(value)
        except PathError as error:
            shown = value[:200]
            raise InvalidPath(f"{shown!r}: {error}", path=shown) from None
    return value


def time(request: Request, name: str) -> datetime | None:
    """A moment: `2026-11-23`, `2026-11-23T10:00:00Z` (UTC unless it says otherwise)."""
    value = text(request, name)
    if not value:
        return None
    try:
        moment = parse_datetime(value)
        day = None if moment else parse_date(value)
    except ValueError:
        moment = day = None
    if day is not None:
        moment = datetime(day.year, day.month, day.day)
    if moment is None:
        raise InvalidRequest(
            f"{name} is a time such as 2026-11-23 or 2026-11-23T10:00:00Z, not {value[:50]!r}"
        )
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
