"""Amounts as people write and read them: bytes in powers of 1024, anything else in plain numbers."""

from __future__ import annotations

import re

from django.template.defaultfilters import filesizeformat

from gitslice.common.errors import InvalidRequest

BYTES = "bytes"
UNITS = " KMGTP"
WRITTEN = re.compile(rf"(\d{{1,15}}(?:\.\d{{1,6}})?)\s*([{UNITS.strip()}]?)(?:i?B)?", re.IGNORECASE)
MOST = 2**62


def told(kind: str, amount: int) -> str:
    """`50.0 GB` for bytes, `12` for what is counted."""
    return filesizeformat(amount).replace("\xa0", " ") if kind == BYTES else str(amount)


def written(kind: str, limit: int | None) -> str:
    """The limit as `parse_limit` reads it, in the largest unit that leaves it whole."""
    amount, unit = limit or 0, 0
    while kind == BYTES and amount and amount % 1024 == 0 and unit < len(UNITS) - 1:
        amount, unit = amount // 1024, unit + 1
    return "" if limit is None else f"{amount}{UNITS[unit]}".strip()


def parse_limit(kind: str, text: str) -> int | None:
    """A limit as it is typed: `50G` for bytes, `12`; None for `none`, and for nothing. Raises InvalidRequest."""
    text = text.strip()
    if text.lower() in ("", "none"):
        return None
    if kind != BYTES:
        if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
            raise InvalidRequest(f"{text[:40]!r} is no number of {kind}")
        return int(text)
    found = WRITTEN.fullmatch(text)
    amount = int(float(found[1]) * 1024 ** UNITS.index(found[2].upper() or " ")) if found else MOST
    if amount >= MOST:
        raise InvalidRequest(f"{text[:40]!r} is no number of bytes", hint="write it like 50G")
    return amount
