"""Filters and paths of RFC 7644 (sections 3.4.2.2 and 3.5.2), as far as directories use them. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from accounts.scim.errors import InvalidFilter, InvalidPath

URN = re.compile(r"urn:ietf:params:scim:schemas:core:2\.0:(?:User|Group):", re.IGNORECASE)
NAME = r"[A-Za-z][\w$-]*(?:\.[A-Za-z][\w$-]*)?"
VALUE = r'"(?:[^"\\]|\\.)*"|true|false|null|-?\d+'
COMPARISON = re.compile(rf"\s*({NAME})\s+(\w\w)\s+({VALUE})\s*", re.IGNORECASE)
VALUED = re.compile(rf"({NAME})\[\s*({NAME})\s+eq\s+({VALUE})\s*\]", re.IGNORECASE)  # members[value eq "1"]
AND = re.compile(r"and\s", re.IGNORECASE)
PATH = re.compile(
    rf"([A-Za-z][\w$-]*)(?:\[\s*({NAME})\s+eq\s+({VALUE})\s*\])?(?:\.([A-Za-z][\w$-]*))?", re.IGNORECASE
)
MAX_LENGTH = 2_000


@dataclass(frozen=True)
class Condition:
    """`attribute` (in lower case) equals the value, compared as text."""

    attribute: str
    value: str


@dataclass(frozen=True)
class Path:
    """`attribute[choice_attribute eq choice].part`, names in lower case."""

    attribute: str
    choice: Condition | None = None
    part: str | None = None


def parse_filter(text: str) -> list[Condition]:
    """What must all hold: `eq` comparisons, joined by `and`. Raises InvalidFilter for others."""
    if len(text) > MAX_LENGTH or "\0" in text:
        raise InvalidFilter("the filter is too long, or has a NUL character")
    rest, found = URN.sub("", text).strip(), []
    while True:
        if valued := VALUED.match(rest):
            name, part, value = valued.groups()
            found.append(Condition(f"{name}.{part}".lower(), _value(value)))
            rest = rest[valued.end() :].strip()
        elif comparison := COMPARISON.match(rest):
            name, operator, value = comparison.groups()
            if operator.lower() != "eq":
                raise InvalidFilter(f"the operator {operator} is not supported")
            found.append(Condition(name.lower(), _value(value)))
            rest = rest[comparison.end() :]
        else:
            raise InvalidFilter(f"the filter {text[:100]!r} is not understood")
        if not rest:
            return found
        joint = AND.match(rest)
        if joint is None:
            raise InvalidFilter(f"the filter {text[:100]!r} is not understood")
        rest = rest[joint.end() :]


def parse_path(text: str) -> Path | None:
    """The target of a patch; None for an attribute of an extension, which nobody keeps here. Raises InvalidPath."""
    plain = URN.sub("", text.strip())
    if plain.lower().startswith("urn:"):
        return None
    match = PATH.fullmatch(plain) if len(plain) <= MAX_LENGTH else None
    if match is None:
        raise InvalidPath(f"the path {text[:100]!r} is not understood")
    attribute, name, value, part = match.groups()
    choice = Condition(name.lower(), _value(value)) if name else None
    return Path(attribute.lower(), choice, part.lower() if part else None)


def _value(text: str) -> str:
    if not text.startswith('"'):
        return text.lower()
    try:
        return str(json.loads(text))
    except ValueError:
        raise InvalidFilter(f"{text[:100]} is no text") from None
