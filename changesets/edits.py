"""Edits: what a patchset does to each path, checked against the entries it was made on. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from changesets.errors import InvalidEdit
from gitslice.common.errors import InvalidPath
from gitslice_core.paths import PathError, ancestors, validate_path
from slices.entries import MODES, Entry

ADD, MODIFY, DELETE, RENAME, CHMOD = "add", "modify", "delete", "rename", "chmod"


class WantedEdit(NamedTuple):
    """An edit as a client asks for it: syntactically sound, not yet compared with the base."""

    op: str
    path: str
    mode: str | None = None
    digest: bytes | None = None
    renamed_from: str | None = None


class PathEdit(NamedTuple):
    """An edit with its base: `base` stood at the path, `new` shall stand there (None: nothing)."""

    path: str
    op: str
    base: Entry | None
    new: Entry | None
    renamed_from: str | None = None


def parse_edit(body: Any) -> WantedEdit:
    """One EDIT of the API. Raises InvalidEdit or InvalidPath."""
    if not isinstance(body, dict):
        raise InvalidEdit("an edit is an object with op and path")
    op, path = body.get("op"), _path(body.get("path"))
    if op == DELETE:
        return WantedEdit(DELETE, path)
    if op not in (ADD, MODIFY, RENAME, CHMOD):
        raise InvalidEdit(f"{path}: op is one of add, modify, delete, rename, chmod, not {op!r}")
    mode = body.get("mode")
    if mode not in MODES and not (mode is None and op == RENAME):
        raise InvalidEdit(f"{path}: mode is one of {', '.join(MODES)}, not {mode!r}")
    digest = _digest(path, body.get("digest"))
    if digest is None and op in (ADD, MODIFY):
        raise InvalidEdit(f"{path}: {op} needs the digest of the content")
    renamed_from = _path(body.get("renamed_from")) if op == RENAME else None
    return WantedEdit(op, path, mode, digest, renamed_from)


def parse_edits(bodies: Iterable[Any]) -> list[WantedEdit]:
    """All edits of a patchset, in path order; every path at most once, none a folder of another."""
    edits = sorted(map(parse_edit, bodies), key=lambda edit: edit.path.encode())
    touched = [edit.path for edit in edits] + [edit.renamed_from for edit in edits if edit.renamed_from]
    seen: set[str] = set()
    for path in touched:
        if path in seen:
            raise InvalidEdit(f"{path} is edited twice")
        seen.add(path)
    check_folders(edit.path for edit in edits if edit.op != DELETE)
    return edits


def check_folders(paths: Iterable[str]) -> None:
    """Raises InvalidPath if one of the files would have to be a folder of another."""
    standing = set(paths)
    for path in standing:
        for folder in ancestors(path):
            if folder in standing:
                raise InvalidPath(f"{folder} would be both a file and a folder", path=folder)


def touched_paths(edits: Iterable[WantedEdit]) -> list[str]:
    return [path for edit in edits for path in (edit.path, edit.renamed_from) if path is not None]


def apply_to_base(
    edits: Sequence[WantedEdit], base: Mapping[str, Entry], sizes: Mapping[bytes, int]
) -> list[PathEdit]:
    """Give every edit its base entry and its new one; a rename becomes a `rename` and a `delete`.

    `base` has the entries at the touched paths, `sizes` those of all blobs that the edits may name.
    """
    return sorted(
        (result for edit in edits for result in _expand(edit, base, sizes)),
        key=lambda edit: edit.path.encode(),
    )


def patchset_digest(edits: Iterable[PathEdit]) -> bytes:
    """SHA-256 over the edits with their bases, in path order: what an approval and a landing are pinned to."""
    lines = (
        f"{edit.op} {_text(edit.base)} {_text(edit.new)} {edit.renamed_from is not None:d} {edit.path}\n"
        f"{edit.renamed_from or ''}\n"
        for edit in edits
    )
    return hashlib.sha256("".join(lines).encode()).digest()


def _expand(edit: WantedEdit, base: Mapping[str, Entry], sizes: Mapping[bytes, int]) -> list[PathEdit]:
    standing = base.get(edit.path)
    if edit.op == RENAME:
        assert edit.renamed_from is not None
        return _expand_rename(edit, edit.renamed_from, base, sizes)
    if edit.op == ADD:
        if standing is not None:
            raise InvalidEdit(
                f"{edit.path} stands in the base already", hint="use op 'modify'", path=edit.path
            )
    elif standing is None:
        raise InvalidEdit(f"{edit.path} does not stand in the base", path=edit.path)
    if edit.op == DELETE:
        return [PathEdit(edit.path, DELETE, standing, None)]
    digest = edit.digest or (standing and standing.digest)
    assert digest is not None
    assert edit.mode is not None
    new = Entry(edit.mode, digest, sizes[digest])
    if new == standing:
        raise InvalidEdit(f"{edit.path} does not differ from the base", path=edit.path)
    if edit.op == CHMOD and standing and digest != standing.digest:
        raise InvalidEdit(
            f"{edit.path}: chmod does not change content", hint="use op 'modify'", path=edit.path
        )
    return [PathEdit(edit.path, edit.op, standing, new)]


def _expand_rename(
    edit: WantedEdit, old_path: str, base: Mapping[str, Entry], sizes: Mapping[bytes, int]
) -> list[PathEdit]:
    old = base.get(old_path)
    if old is None:
        raise InvalidEdit(f"{old_path} does not stand in the base", path=old_path)
    if edit.path in base:
        raise InvalidEdit(f"{edit.path} stands in the base already", path=edit.path)
    digest = edit.digest or old.digest
    new = Entry(edit.mode or old.mode, digest, sizes[digest])
    return [PathEdit(old_path, DELETE, old, None), PathEdit(edit.path, RENAME, None, new, old_path)]


def _path(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidEdit("a path is a string")
    try:
        validate_path(value)
    except PathError as error:
        raise InvalidPath(
            f"{value[:200]!r}: {error}", path=value[:200].encode(errors="replace").decode()
        ) from None
    return value


def _digest(path: str, value: Any) -> bytes | None:
    if value is None:
        return None
    try:
        digest = bytes.fromhex(value)
    except (TypeError, ValueError):
        digest = b""
    if len(digest) != 32:
        raise InvalidEdit(f"{path}: a digest is 64 hexadecimal digits")
    return digest


def _text(entry: Entry | None) -> str:
    return "-" if entry is None else f"{entry.mode}:{entry.digest.hex()}"
