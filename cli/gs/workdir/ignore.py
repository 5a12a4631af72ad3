"""Which untracked files are left out: those that `.gsignore` and `.gitignore` files name, in gitignore's syntax."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

FILES = (".gitignore", ".gsignore")


class Ignore:
    """Reads the ignore files of the folders that it is asked about, each once."""

    def __init__(self, root: str):
        self._root = root
        self._specs: dict[str, list] = {}

    def ignores(self, path: str) -> bool:
        """Whether a file, or a folder it stands in, is ignored. Deeper files decide over outer ones."""
        parts = path.split("/")
        verdict = False
        for depth in range(len(parts)):
            folder = "/".join(parts[:depth])
            for spec in self._of(folder):
                result = spec.check_file("/".join(parts[depth:]))
                if result.include is not None:
                    verdict = result.include
        return verdict

    def _of(self, folder: str) -> list:
        if folder not in self._specs:
            self._specs[folder] = [spec for name in FILES if (spec := self._read(folder, name))]
        return self._specs[folder]

    def _read(self, folder: str, name: str) -> GitIgnoreSpec | None:
        path = os.path.join(self._root, folder, name)
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
        except OSError:
            return None
        from pathspec import GitIgnoreSpec

        return GitIgnoreSpec.from_lines(lines)
