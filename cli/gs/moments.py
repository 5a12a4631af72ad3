"""Times as people write them."""

from __future__ import annotations

from gs.errors import GsError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}  # seconds


def parse_moment(text: str | None) -> str | None:
    """`2026-11-01`, `2026-11-01T10:00`, `3d`, `2 weeks ago` as ISO 8601 in UTC; None stays None.

    Dates without a zone are local time. Raises GsError `usage`.
    """
    if text is None:
        return None
    from datetime import UTC, datetime, timedelta

    seconds = _seconds_ago(text)
    if seconds is not None:
        return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    except ValueError:
        raise GsError("usage", f"{text!r} is not a time", "write 2026-11-01, 3d, or '2 weeks ago'") from None


def _seconds_ago(text: str) -> int | None:
    import re

    match = re.fullmatch(r"(\d{1,6})\s*([a-z]+?)s?(?:\s+ago)?", text.strip().lower())
    if not match:
        return None
    number, word = match.groups()
    names = {"second": "s", "sec": "s", "minute": "m", "min": "m", "hour": "h", "day": "d", "week": "w"}
    unit = UNITS.get(names.get(word, word))
    if unit is None and word in ("month", "year"):
        unit = {"month": 30, "year": 365}[word] * UNITS["d"]
    return int(number) * unit if unit else None
