"""Which part of a slice is checked out: a folder, a file, or a glob in which `**` spans folders."""

from __future__ import annotations

import re

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Value = TypeVar("Value")


def selected(rows: dict[str, Value], pattern: str | None) -> dict[str, Value]:
    """The rows whose path the pattern covers; all without one."""
    if pattern is None:
        return rows
    covers = matcher(pattern)
    return {path: row for path, row in rows.items() if covers(path)}


def matcher(pattern: str) -> Callable[[str], bool]:
    """A function that tells whether a path is what the pattern names, or lies below it."""
    expression = "".join(map(_translate, re.findall(r"\*\*/?|\*|\?|[^*?]+", pattern.strip("/"))))
    match = re.compile(f"{expression}(?:/.*)?").fullmatch
    return lambda path: match(path) is not None


def _translate(part: str) -> str:
    known = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    return known.get(part) or re.escape(part)
