"""Resolving by hand: files with conflict markers, and what people made of them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from gitslice_core.merge import has_markers, mark, merge
from gs.contents import file_at, has_digest, proposed_content
from gs.context import slice_path
from gs.errors import GsError
from gs.http import Api
from gs.transfer import upload_files
from gs.workdir.conflicts import record
from gs.workdir.files import Tree
from gs.workdir.lock import locked

if TYPE_CHECKING:
    from gs.workdir.binding import Binding

MERGEABLE = ("content", "add_add")


def refuse_markers(path: str, file: str) -> None:
    """Raise GsError `unresolvable` if the file on disk (that of `path`) has conflict markers."""
    if os.path.isfile(file) and not os.path.islink(file) and has_markers(Path(file).read_bytes()):
        raise GsError("unresolvable", f"{path} still has conflict markers", "edit it, then try again")


def upload_file(api: Api, organization: str, path: str, file: str) -> dict:
    """The resolution of `path` by a file on disk, which is uploaded; without the file, by deleting it.

    Raises GsError `unresolvable` while markers stand in the file.
    """
    if not os.path.lexists(file):
        return {"path": path, "choice": "manual"}
    refuse_markers(path, file)
    entry = upload_files(api, organization, [Path(file)])[0]
    return {
        "path": path,
        "choice": "manual",
        "mode": entry.mode,
        "digest": entry.digest.hex(),
        "size": entry.size,
    }


def upload_content(api: Api, organization: str, path: str, mode: str, content: bytes) -> dict:
    """As `upload_file`, for content in memory."""
    with tempfile.TemporaryDirectory(prefix="gs-") as folder:
        file = Path(folder) / "content"
        file.write_bytes(content)
        file.chmod(0o755 if mode == "100755" else 0o644)
        return upload_file(api, organization, path, str(file))


def marked_content(api: Api, detail: dict, conflict: dict, ours: bytes | None = None) -> tuple[bytes, int]:
    """Both sides of a conflict merged, markers where they collide, and the number of those places.

    `ours` is the changeset's version if it is at hand, else it is rebuilt. Raises GsError `unresolvable` for what
    has no two texts to merge.
    """
    path = conflict["path"]
    entries = [conflict[side] for side in ("ours", "theirs")]
    if conflict["kind"] not in MERGEABLE or any(e is None or e["mode"] == "120000" for e in entries):
        raise GsError("unresolvable", f"{path} cannot be merged as text", "choose --ours or --theirs")
    address = slice_path(*detail["slice"].split("/"))
    base = file_at(api, address, path, detail["base"]) if conflict["base"] else b""
    if not has_digest(base, conflict["base"]):
        raise GsError(
            "unresolvable", f"the base of {path} is not that of {detail['changeset']}", "gs changeset rebase"
        )
    organization = detail["slice"].split("/")[0]
    if ours is None:
        ours = proposed_content(api, organization, detail["number"], path)
    open_changeset = (conflict["sides"]["theirs"] or {}).get("changeset")
    if open_changeset:
        theirs = proposed_content(api, organization, int(open_changeset.removeprefix("cl-")), path)
    else:
        theirs = file_at(api, address, path, "HEAD")
    result = merge(base, ours, theirs)
    if result.binary:
        raise GsError("unresolvable", f"{path} cannot be merged as text", "choose --ours or --theirs")
    return mark(result, "ours", "theirs"), len(result.conflicts)


def mark_file(api: Api, binding: Binding, detail: dict, conflict: dict) -> bool:
    """Merge what has landed into the directory's file at a conflict, with markers; False if that has no meaning.

    The directory's own content is one side of the merge, so nothing of it is lost.
    """
    path = conflict["path"]
    file = Path(binding.path(path))
    if conflict["kind"] not in MERGEABLE or file.is_symlink() or not file.is_file():
        return False
    content, collisions = marked_content(api, detail, conflict, file.read_bytes())
    mode = "100755" if file.stat().st_mode & 0o100 else "100644"
    with locked(str(binding.root)):
        Tree(str(binding.root)).write(path, mode, content)
        if collisions:
            record(binding, [("text", path)])
    return True
