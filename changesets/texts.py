"""Files as texts that people edit in a form, and back again. Pure.

Browsers show every line end as one, and send CRLF for all: lines that were not touched keep the end that they had, new
ones get the most frequent one of the file. A last line without an end stays without.
"""

from __future__ import annotations

import re
from collections import Counter

from gitslice_core.diff import diff_lines, is_binary
from slices.entries import SYMLINK, Entry

MOST_BYTES = 1 << 20  # of a file that is edited in a form
LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|\Z)")


def why_not(entry: Entry) -> str:
    """Why the file is not edited as a text, as far as its entry tells; empty if it may be."""
    if entry.mode == SYMLINK:
        return "a symbolic link has no lines to edit"
    if entry.size > MOST_BYTES:
        return f"the file is larger than {MOST_BYTES >> 20} MiB: change it with gs, or upload a new version"
    return ""


def text_of(content: bytes) -> tuple[str, str]:
    """The text to edit, and why there is none."""
    if is_binary(content) or b"\0" in content:
        return "", "the file is binary: upload a new version of it"
    try:
        return content.decode(), ""
    except UnicodeDecodeError:
        return (
            "",
            "the file is not UTF-8, and would be damaged here: change it with gs, or upload a new version",
        )


def content_of(typed: str, before: bytes = b"") -> bytes:
    """What was typed as the file's new content."""
    texts = re.split(rb"\r\n|\n|\r", typed.encode(errors="replace"))
    old = [(match[1], match[2]) for match in LINE.finditer(before) if match[0]]
    ends = Counter(end for _, end in old if end)
    usual = ends.most_common(1)[0][0] if ends else b"\n"
    if len(ends) < 2:
        return usual.join(texts)
    kept = _kept_ends(old, texts)
    last = len(texts) - 1
    return b"".join(text if at == last else text + (kept.get(at) or usual) for at, text in enumerate(texts))


def _kept_ends(old: list[tuple[bytes, bytes]], texts: list[bytes]) -> dict[int, bytes]:
    """Number of a line that was there before -> the end that it had."""
    kept = {}
    at_old = at_new = 0
    for change in [*diff_lines([text for text, _ in old], texts), None]:
        stop = change.old_start if change else len(old)
        while at_old < stop and at_new < len(texts):
            kept[at_new] = old[at_old][1]
            at_old, at_new = at_old + 1, at_new + 1
        if change:
            at_old, at_new = change.old_end, change.new_end
    return kept
