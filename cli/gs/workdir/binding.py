"""What a directory is bound to: `.gs/config` (the server) and `.gs/state` (slice, commits, changeset).

Both are small texts that every command reads; `state` has a `key value` line for each fact, so that reading it costs
no import.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ".gs"
KEYS = ("organization", "slice", "base", "definition", "head", "behind", "changeset", "pattern", "target")


class Binding:
    """One working directory. `base` is the commit its files were taken from (None: nothing had landed), `head` the
    newest that the server told us of, `behind` how many commits lie between. While files are being brought from one
    commit to another, `target` names the other."""

    __slots__ = ("_facts", "root")

    def __init__(self, root: Path | str, facts: dict[str, str]):
        self.root = root
        self._facts = facts

    @property
    def org(self) -> str:
        return self._facts["organization"]

    @property
    def slice(self) -> str:
        return self._facts["slice"]

    @property
    def name(self) -> str:
        return f"{self.org}/{self.slice}"

    @property
    def base(self) -> str | None:
        return self._facts.get("base")

    @property
    def definition(self) -> str | None:
        return self._facts.get("definition")

    @property
    def head(self) -> str | None:
        return self._facts.get("head") or self.base

    @property
    def behind(self) -> int:
        return int(self._facts.get("behind", 0))

    @property
    def changeset(self) -> str | None:
        return self._facts.get("changeset")

    @property
    def pattern(self) -> str | None:
        """The part of the slice that is checked out here: a glob, or None for all of it."""
        return self._facts.get("pattern")

    @property
    def target(self) -> str | None:
        return self._facts.get("target")

    def path(self, *parts: str) -> str:
        """The absolute name of a file in the directory."""
        return os.path.join(self.root, *parts)

    def own(self, *parts: str) -> str:
        """The absolute name of a file of ours, below `.gs`."""
        return os.path.join(self.root, FOLDER, *parts)

    def update(self, **facts: str | int | None) -> None:
        """Change some facts (None forgets one) and keep them, in one step."""
        for key, value in facts.items():
            assert key in KEYS, key
            if value is None:
                self._facts.pop(key, None)
            else:
                self._facts[key] = str(value)
        write_atomically(self.own("state"), "".join(f"{k} {v}\n" for k, v in self._facts.items()).encode())


def find(start: Path | str) -> Binding | None:
    """The binding of the innermost working directory around `start`."""
    folder = os.path.abspath(start)
    while True:
        facts = _read(os.path.join(folder, FOLDER, "state"))
        if facts:
            return Binding(folder, facts)
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def create(root: Path | str, endpoint: str, organization: str, slice: str, pattern: str | None) -> Binding:
    """Bind a directory; nothing is checked out yet."""
    from gs import config

    folder = os.path.abspath(root)
    os.makedirs(os.path.join(folder, FOLDER), exist_ok=True)
    config.set_value(config.workdir_file(folder), "endpoint", endpoint)
    binding = Binding(folder, {"organization": organization, "slice": slice})
    binding.update(pattern=pattern)
    return binding


def set_changeset(binding: Binding, changeset: str | None) -> None:
    """Remember (or with None forget) the current changeset of the directory."""
    binding.update(changeset=changeset)


def write_atomically(path: str, content: bytes) -> None:
    """Replace a small file in one step, so that a killed process leaves the old or the new one."""
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "wb") as file:
        file.write(content)
    os.replace(temporary, path)


def _read(path: str) -> dict[str, str]:
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return dict(line.split(" ", 1) for line in lines if " " in line)
