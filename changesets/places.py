"""Where in a text a line stands: the function, class or section around it, as a person would name it. Pure.

A heuristic, like the function names in diffs: it looks upwards for a line that is indented less and reads like a
definition in one of the common languages, or like a heading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

REACH = 2_000  # lines looked at above
NAME_LENGTH = 60

_KEYWORDS = (
    rb"(?:def|class|func|function|fn|fun|sub|interface|struct|enum|union|trait|impl|module|namespace|package|message|"
    rb"service|rpc|type|proc)"
)
_MODIFIERS = rb"(?:(?:async|export|default|public|private|protected|internal|static|final|abstract|override|pub|unsafe|const|virtual|inline)\s+)*"
_DEFINITION = re.compile(
    rb"\s*"
    + _MODIFIERS
    + _KEYWORDS
    + rb"\b\s*(?:\([^)]*\)\s*)?([A-Za-z_$][\w$.:]*)"  # def name, func (r T) name
)
_C_FUNCTION = re.compile(rb"[A-Za-z_][\w\s*&:<>,~]*?\b([A-Za-z_~][\w:~]*)\s*\([^;]*$")  # int name(...
_CONTROL = re.compile(
    rb"\s*(?:return|if|elif|for|while|switch|else|try|except|finally|with|do|case|default)\b"
)
# [section], ## Heading, key:
_SECTION = re.compile(rb"(?:\[([^\]]+)\]|#{2,6}\s+(.+?)|\s*([A-Za-z_][\w.-]*):)\s*$")


def enclosing(lines: Sequence[bytes], start: int) -> str:
    """The name of what stands around line `start` (from 1) of a text; empty if nothing is found."""
    at = min(start, len(lines)) - 1
    if at < 0:
        return ""
    own = _name(lines[at])
    if own:
        return own
    depth = _depth(lines[at]) if lines[at].strip() else _depth_below(lines, at)
    for above in range(at - 1, max(at - REACH, 0) - 1, -1):
        line = lines[above]
        if not line.strip() or (_depth(line) >= depth and depth):
            continue
        name = _name(line)
        if name:
            return name
        depth = min(depth, _depth(line))
    return ""


def _name(line: bytes) -> str:
    if _CONTROL.match(line):
        return ""
    found = _DEFINITION.match(line) or _C_FUNCTION.match(line) or _SECTION.match(line)
    if found is None:
        return ""
    name = next(group for group in found.groups() if group)
    return name.decode(errors="replace").strip(" \t:")[:NAME_LENGTH]


def _depth(line: bytes) -> int:
    text = line.expandtabs(8)
    return len(text) - len(text.lstrip())


def _depth_below(lines: Sequence[bytes], at: int) -> int:
    """For an empty line, the depth of the next that is not."""
    for line in lines[at + 1 : at + 20]:
        if line.strip():
            return _depth(line)
    return 1
