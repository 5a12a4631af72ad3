"""Diffs for people and for `patch`: the FILEDIFF documents of the API (`gs diff` makes the same) as text.

A FILEDIFF is {"path", "op", "renamed_from", "old": entry|None, "new": entry|None, "binary", "too_large", "additions",
"deletions", "hunks": [{"old_start", "old_count", "new_start", "new_count", "lines": [" a", "-b", "+c", "\\\\ No ..."]}]}.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from gs.output import colours, say
from gs.style import SGR, Styled, clean, join, op_mark, plural, style

BAR = 40  # characters of the widest bar in --stat


def print_diff(files: list[dict], *, words: bool = False) -> None:
    """A unified diff, as git writes it; `words` marks changed words within lines (for reading, not for `patch`)."""
    for file in files:
        for line in _header(file):
            say(style(line, "bold"))
        for hunk in file.get("hunks") or ():
            say(style(_range(hunk), "cyan"))
            for line in _word_lines(hunk["lines"]) if words else map(_paint, hunk["lines"]):
                say(line)


def print_stat(files: list[dict]) -> None:
    """One line a file with a bar of additions and deletions, and a sum."""
    width = max((len(_name(file)) for file in files), default=0)
    most = max((file["additions"] + file["deletions"] for file in files), default=0)
    for file in files:
        name = _name(file).ljust(width)
        total = file["additions"] + file["deletions"]
        bar = "binary" if file.get("binary") else _bar(file, most)
        say(f" {style(name, None)} {style('|', 'dim')} {total or '-':>5} {bar}")
    say(stat_line(files))


def print_names(files: list[dict]) -> None:
    """One path a line, deleted ones too."""
    for file in files:
        say(clean(file["path"]))


def print_files(files: list[dict]) -> None:
    """`M  path` a file, and both names of a rename."""
    for file in files:
        say(f"  {op_mark(file['op'])}  {style(_name(file), None)}")


def stat_line(files: list[dict]) -> str:
    """`3 files, +10 -2`."""
    added, gone = sum(file["additions"] for file in files), sum(file["deletions"] for file in files)
    return join(plural(len(files), "file"), ", ", counts(added, gone))


def counts(additions: int, deletions: int) -> Styled:
    """`+10 -2`, coloured."""
    return join(style(f"+{additions}", "green"), " ", style(f"-{deletions}", "red"))


def _name(file: dict) -> str:
    return f"{file['renamed_from']} => {file['path']}" if file.get("renamed_from") else file["path"]


def _bar(file: dict, most: int) -> str:
    scale = min(1.0, BAR / most) if most else 0.0
    return style("+" * _ceil(file["additions"] * scale), "green") + style(
        "-" * _ceil(file["deletions"] * scale), "red"
    )


def _ceil(value: float) -> int:
    return -int(-value // 1)


def _header(file: dict) -> list[str]:
    old_path, new_path = file.get("renamed_from") or file["path"], file["path"]
    old, new = file.get("old"), file.get("new")
    lines = [f"diff --git a/{old_path} b/{new_path}"]
    if old is None and new is not None:
        lines.append(f"new file mode {new['mode']}")
    elif new is None and old is not None:
        lines.append(f"deleted file mode {old['mode']}")
    elif old and new and old["mode"] != new["mode"]:
        lines += [f"old mode {old['mode']}", f"new mode {new['mode']}"]
    if file.get("renamed_from"):
        lines += [f"rename from {old_path}", f"rename to {new_path}"]
    if file.get("binary"):
        lines.append(f"Binary files a/{old_path} and b/{new_path} differ")
    elif file.get("too_large"):
        lines.append(f"Large files a/{old_path} and b/{new_path} differ")
    elif file.get("hunks"):
        lines += [
            f"--- {'a/' + old_path if old else '/dev/null'}",
            f"+++ {'b/' + new_path if new else '/dev/null'}",
        ]
    return lines


def _range(hunk: dict) -> str:
    def span(start: int, count: int) -> str:
        return str(start) if count == 1 else f"{start},{count}"

    return (
        f"@@ -{span(hunk['old_start'], hunk['old_count'])} +{span(hunk['new_start'], hunk['new_count'])} @@"
    )


def _paint(line: str) -> str:
    if not sys.stdout.isatty():
        return line
    return style(line, {"-": "red", "+": "green", "\\": "dim"}.get(line[:1]))


def _word_lines(lines: list[str]) -> Iterator[str]:
    """Lines of a hunk; each run of removed then added lines becomes one text with [-gone-]{+new+} words."""
    gone: list[str] = []
    new: list[str] = []
    for line in [*lines, None]:
        if line is None:
            yield from _pending(gone, new)
        elif line[:1] == "-" and not new:
            gone.append(line[1:])
        elif line[:1] == "+":
            new.append(line[1:])
        elif line[:1] != "\\":
            yield from _pending(gone, new)
            gone, new = [], []
            if line[:1] == "-":
                gone.append(line[1:])
            else:
                yield clean(line[1:])


def _pending(gone: list[str], new: list[str]) -> list[str]:
    return _words("\n".join(gone), "\n".join(new)).split("\n") if gone or new else []


def _words(old: str, new: str) -> str:
    import re
    from difflib import SequenceMatcher

    before, after = re.findall(r"\w+|\s+|[^\w\s]", old), re.findall(r"\w+|\s+|[^\w\s]", new)
    parts = []
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            parts.append(clean("".join(before[a:b])))
            continue
        parts.append(_mark_words("".join(before[a:b]), "[-", "-]", "red"))
        parts.append(_mark_words("".join(after[c:d]), "{+", "+}", "green"))
    return "".join(parts)


def _mark_words(text: str, left: str, right: str, colour: str) -> str:
    """Marked words; each line gets its own colour codes, so that lines can be printed one by one."""
    if not text:
        return ""
    if not colours():
        return f"{left}{clean(text)}{right}"
    return "\n".join(f"\x1b[{SGR[colour]}m{clean(line)}\x1b[0m" if line else "" for line in text.split("\n"))
