"""The user's editor: for comments and for resolving conflicts by hand."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile

from gs import config
from gs.errors import GsError


def edit(path: str) -> None:
    """Open a file in the editor and wait. Raises GsError `failed` without a terminal or when the editor fails."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise GsError("usage", "there is no terminal to open an editor on", "give the text with a flag")
    program = config.get("editor") or os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        code = subprocess.run([*shlex.split(program), path], check=False).returncode
    except OSError as error:
        raise GsError(
            "failed", f"{program} does not start: {error.strerror}", "gs config set editor PROGRAM"
        ) from error
    if code:
        raise GsError("failed", f"{program} ended with code {code}; nothing was changed")


def compose(name: str, content: bytes = b"") -> str:
    """Text written in the editor, starting from `content`; `name` tells the editor what kind of file it is."""
    return edit_bytes(name, content).decode(errors="replace")


def edit_bytes(name: str, content: bytes) -> bytes:
    """As `compose`, in bytes."""
    with tempfile.TemporaryDirectory(prefix="gs-") as folder:
        path = os.path.join(folder, os.path.basename(name) or "text")
        with open(path, "wb") as file:
            file.write(content)
        edit(path)
        with open(path, "rb") as file:
            return file.read()
