"""File contents that a conflict or a diff talks about, fetched or rebuilt."""

from __future__ import annotations

from gs.context import changeset_path, slice_path
from gs.errors import GsError
from gs.http import Api, encode_query


def file_at(api: Api, slice_address: str, path: str, commit: str) -> bytes:
    """The content of a path of a slice at a commit (whole in memory: for files that people read or merge)."""
    address = slice_address + "file/" + encode_query({"path": path, "commit": commit})
    with api.stream("GET", address) as response:
        return response.read()


def proposed_content(api: Api, organization: str, number: int, path: str) -> bytes:
    """What a changeset's newest patchset has at a text path: its base with the diff applied, checked by digest.

    Raises GsError `unresolvable` when that cannot be rebuilt exactly (no text, not UTF-8, base has moved on).
    """
    address = changeset_path(organization, number)
    detail = api.get(address)
    files = [file for file in api.get(address + "diff/")["files"] if file["path"] == path]
    if not files or files[0]["new"] is None:
        raise GsError("path_not_found", f"{detail['changeset']} has no file {path}")
    file = files[0]
    old = b""
    if file["old"]:
        source = file.get("renamed_from") or path
        old = file_at(api, slice_path(*detail["slice"].split("/")), source, detail["base"])
    new = apply_hunks(old, file.get("hunks") or []) if has_digest(old, file["old"]) else b""
    if not has_digest(new, file["new"]):
        raise GsError(
            "unresolvable",
            f"{path} of {detail['changeset']} cannot be rebuilt from its diff",
            "choose --ours or --theirs, or edit the file in its working directory and use --resolved",
        )
    return new


def has_digest(content: bytes, entry: dict | None) -> bool:
    """Whether `content` is what `entry` names; no entry stands for no content."""
    from hashlib import sha256

    return sha256(content).hexdigest() == entry["digest"] if entry else content == b""


def apply_hunks(old: bytes, hunks: list[dict]) -> bytes:
    """`old` with the hunks of a FILEDIFF applied. Unchanged lines keep their bytes; new ones are what the diff carries."""
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
                result.append(line[1:].encode())
        if position >= len(lines):
            ends_open = _new_side_open(hunk["lines"], ends_open)
    result.extend(lines[position:])
    return b"\n".join(result) + (b"\n" if result and not ends_open else b"")


def _new_side_open(lines: list[str], before: bool) -> bool:
    """Whether the new file lacks a newline at its end, by the marks of its last hunk."""
    last = [index for index, line in enumerate(lines) if line[:1] in " +"]
    if not last:
        return False if any(line[:1] == "-" for line in lines) else before
    following = lines[last[-1] + 1 : last[-1] + 2]
    return bool(following) and following[0][:1] == "\\"
