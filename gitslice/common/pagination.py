"""Keyset pages: `?limit=` (default 50, at most 500) and an opaque `?cursor=` that names the last row seen."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import orjson

from gitslice.common.errors import InvalidRequest

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MOST_DIGITS = 18  # of a number: what is longer is no number of anything

Row = TypeVar("Row")


class Page:
    """One page being asked for. `after` is the key of the last row of the page before, or None."""

    def __init__(self, query: Any) -> None:
        self.limit = _limit(query.get("limit"))
        self.after: Any = _decode(query["cursor"]) if query.get("cursor") else None

    def cut(self, rows: Sequence[Row], key: Callable[[Row], Any]) -> tuple[Sequence[Row], str | None]:
        """Rows of this page and the next cursor, from up to `limit + 1` rows; `key` gives a row's JSON-able key."""
        if len(rows) <= self.limit:
            return rows, None
        shown = rows[: self.limit]
        return shown, cursor_at(key(shown[-1]))


def cursor_at(key: Any) -> str:
    """The cursor of the rows behind this key."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def listing(items: Iterable[Any], next_cursor: str | None = None) -> dict[str, Any]:
    """The body of every list answer."""
    return {"items": list(items), "next_cursor": next_cursor}


def whole_key(after: Any) -> int:
    """The key of a list that is ordered by a number. Raises InvalidRequest."""
    if not isinstance(after, int):
        raise InvalidRequest("the cursor is not one of ours")
    return after


def text_key(after: Any) -> str:
    """The key of a list that is ordered by a name. Raises InvalidRequest."""
    if not isinstance(after, str) or "\0" in after:
        raise InvalidRequest("the cursor is not one of ours")
    return after


def _limit(text: str | None) -> int:
    if not text:
        return DEFAULT_LIMIT
    if not text.isdecimal() or len(text) > MOST_DIGITS or int(text) < 1:
        raise InvalidRequest(f"limit must be a positive number, not {text[:20]!r}")
    return min(int(text), MAX_LIMIT)


def _decode(cursor: str) -> Any:
    try:
        return orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, orjson.JSONDecodeError, ValueError):
        raise InvalidRequest("the cursor is not one of ours") from None
