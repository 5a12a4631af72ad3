"""Old and new versions of files, side by side in an external program."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile

from gs import config
from gs.contents import apply_hunks, file_at
from gs.context import slice_path
from gs.errors import GsError
from gs.http import Api
from gs.output import warn

DEFAULT = "git diff --no-index --"


def show_files(api: Api, slice_name: str, base: str | None, files: list[dict]) -> None:
    """Write both versions of each text file below a temporary folder and run the diff tool on `old` and `new`."""
    address = slice_path(*slice_name.split("/"))
    with tempfile.TemporaryDirectory(prefix="gs-diff-") as folder:
        for file in files:
            if file.get("binary") or file.get("too_large"):
                warn(f"{file['path']} is left out: no text diff")
                continue
            old_path = file.get("renamed_from") or file["path"]
            old = file_at(api, address, old_path, base) if file.get("old") and base else b""
            new = apply_hunks(old, file.get("hunks") or [])
            if file.get("old"):
                _write(os.path.join(folder, "old", old_path), old)
            if file.get("new"):
                _write(os.path.join(folder, "new", file["path"]), new)
        run(folder)


def run(folder: str) -> None:
    """The diff tool on `old` and `new` in a folder."""
    program = config.get("difftool") or DEFAULT
    for name in ("old", "new"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    try:
        subprocess.run([*shlex.split(program), "old", "new"], cwd=folder, check=False)
    except OSError as error:
        raise GsError(
            "failed", f"{program} does not start: {error.strerror}", "gs config set difftool PROGRAM"
        ) from error


def _write(path: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
