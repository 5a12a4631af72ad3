"""File contents that a conflict or a diff talks about, fetched or rebuilt."""

from __future__ import annotations

from gs.context import changeset_path, slice_path
from gs.errors import GsError
from gs.http import encode_query


def file_at(api, slice_address: str, path: str, commit: str) -> bytes:
    """The content of a path of a slice at a commit (whole in memory: for files that people read or merge)."""
    address = slice_address + "file/" + encode_query({"path": path, "commit": commit})
    with api.stream("GET", address) as response:
        return response.read()


def proposed_content(api, organization: str, number: int, path: str) -> bytes:
    """What a changeset's newest patchset has at a text path: its base with the diff applied.

    Raises GsError `unresolvable` for what is no text.
    """
    address = changeset_path(organization, number)
    detail = api.get(address)
    files = [file for file in api.get(address + "diff/")["files"] if file["path"] == path]
    if not files or files[0]["new"] is None:
        raise GsError("path_not_found", f"{detail['changeset']} has no file {path}")
    file = files[0]
    if file["binary"] or file["too_large"]:
        raise GsError("unresolvable", f"{path} is no text to merge", "choose --ours or --theirs")
    old = b""
    if file["old"]:
        source = file.get("renamed_from") or path
        old = file_at(api, slice_path(*detail["slice"].split("/")), source, detail["base"])
    return apply_hunks(old, file.get("hunks") or [])


def apply_hunks(old: bytes, hunks: list[dict]) -> bytes:
    """`old` with the hunks of a FILEDIFF applied. Unchanged lines keep their bytes.

    Raises GsError `unresolvable` when the new lines were not UTF-8 (the diff cannot carry them).
    """
    lines = old.split(b"\n")
    tail = lines.pop()  # after the last newline; empty when the file ends with one
    if tail:
        lines.append(tail)
    result: list[bytes] = []
    position, ends_open = 0, bool(tail)
    for hunk in hunks:
        start = hunk["old_start"] - (1 if hunk["old_count"] else 0)
        result.extend(lines[position:start])
        position = start
        for line in hunk["lines"]:
            if line[:1] == "\\":
                continue
            if line[:1] in " -":
                if line[:1] == " ":
                    result.append(lines[position])
                position += 1
            else:
                result.append(_encoded(line[1:]))
        if position >= len(lines):
            ends_open = _new_side_open(hunk["lines"], ends_open)
    result.extend(lines[position:])
    return b"\n".join(result) + (b"\n" if result and not ends_open else b"")


def _encoded(line: str) -> bytes:
    if "\ufffd" in line:
        raise GsError(
            "unresolvable", "the file is not UTF-8", "choose a side, or edit the file and use --resolved"
        )
    return line.encode()


def _new_side_open(lines: list[str], before: bool) -> bool:
    """Whether the new file lacks a newline at its end, by the marks of its last hunk."""
    last = [index for index, line in enumerate(lines) if line[:1] in " +"]
    if not last:
        return False if any(line[:1] == "-" for line in lines) else before
    following = lines[last[-1] + 1 : last[-1] + 2]
    return bool(following) and following[0][:1] == "\\"
