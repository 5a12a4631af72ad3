"""What a path of the tree may look like. The server refuses others, and so does a client, whatever a server sends."""

from __future__ import annotations

import re

MAX_PATH_BYTES = 4096
MAX_PART_BYTES = 255
FORBIDDEN_PARTS = frozenset({"", ".", "..", ".gs", ".git"})  # compared in lower case

_control = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class PathError(ValueError):
    """The path is not valid; the message says why."""


def validate_path(path: str) -> None:
    """Raise PathError unless `path` is relative, `/`-separated UTF-8 without empty, `.`, `..`, `.gs` or `.git` parts,
    NUL or control characters, at most 4,096 bytes long, a part at most 255."""
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        raise PathError("is not valid UTF-8") from None
    if len(encoded) > MAX_PATH_BYTES:
        raise PathError(f"is longer than {MAX_PATH_BYTES} bytes")
    if _control.search(path):
        raise PathError("has a control character")
    for part in path.split("/"):
        if part.lower() in FORBIDDEN_PARTS:
            raise PathError(f"has the part {part!r}" if part else "is empty, absolute, or has an empty part")
        if len(part) > MAX_PART_BYTES // 4 and len(part.encode()) > MAX_PART_BYTES:
            raise PathError(f"has a part longer than {MAX_PART_BYTES} bytes")


def ancestors(path: str) -> list[str]:
    """The folders that the path stands in, outermost first: `a/b/c` gives `a` and `a/b`."""
    return [path[:at] for at, character in enumerate(path) if character == "/"]
