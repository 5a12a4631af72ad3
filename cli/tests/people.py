"""`gs` as people run it: a process with a configuration of its own, against a real server."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from copy import copy
from pathlib import Path
from typing import Any

from accounts.models import User
from slices.models import Slice
from tests.processes import WebServer
from tests.world import World

TEXT = b"".join(b"line %d\n" % number for number in range(20))
OURS = TEXT.replace(b"line 9\n", b"ours\n")
THEIRS = TEXT.replace(b"line 9\n", b"theirs\n")


class Gs:
    """`gs` as one user, with a configuration of its own."""

    def __init__(self, server: WebServer, folder: Path, token: str | None) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        keep = {name: value for name, value in os.environ.items() if not name.startswith("GITSLICE_")}
        source = str(Path(__file__).parent.parent)
        self.environment = keep | {"GITSLICE_CONFIG_DIR": str(folder / "config"), "PYTHONPATH": source}
        self.environment["GITSLICE_API_ENDPOINT"] = server.url
        if token:
            self.environment["GITSLICE_AUTH_TOKEN"] = token

    def at(self, folder: Path) -> Gs:
        """The same person in another folder."""
        other = copy(self)
        other.folder = folder
        return other

    def run(self, *arguments: str, stdin: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [sys.executable, "-m", "gs.main", *arguments],
            env=self.environment,
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
        )
        assert result.returncode == code, (arguments, result.stdout, result.stderr)
        return result

    def text(self, *arguments: str, code: int = 0) -> str:
        return self.run(*arguments, code=code).stdout

    def json(self, *arguments: str, stdin: str = "", code: int = 0) -> Any:
        result = self.run(*arguments, "--json", stdin=stdin, code=code)
        return json.loads(result.stdout)


def writer(world: World, server: WebServer, folder: Path, slice: Slice, name: str) -> tuple[User, Gs]:
    user = world.writer(slice, name)
    return user, Gs(server, folder / name, world.token(user))


def conflicting(world: World, web: Slice, **files: bytes) -> str:
    """A changeset that collides with what has landed since, at web/a.txt and the paths given."""
    mine = {"web/a.txt": OURS} | {f"web/{name}.txt": content for name, content in files.items()}
    other = {"web/a.txt": THEIRS} | {
        f"web/{name}.txt": b"landed " + content for name, content in files.items()
    }
    changeset = world.propose(web, mine, title="Ours")
    world.land(web, other, title="Theirs")
    return str(changeset)


def on_terminal(gs: Gs, arguments: list[str], typed: bytes) -> str:
    """The output of `gs` on a pseudo-terminal where `typed` is typed."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "gs.main", *arguments],
        env=gs.environment,
        cwd=gs.folder,
        stdin=child,
        stdout=child,
        stderr=child,
    )
    os.close(child)
    os.write(parent, typed)
    output = b""
    while True:
        try:
            chunk = os.read(parent, 4096)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        output += chunk
    process.wait()
    os.close(parent)
    return output.decode()
