"""Conflicts of a pull that a person has still to settle: `.gs/conflicts`, a path a line."""

from __future__ import annotations

import os

from gs.workdir.binding import write_atomically

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Iterable

    from gs.workdir.binding import Binding


def unsettled(binding: Binding) -> list[str]:
    """Paths in conflict, in order. A text file whose markers are gone counts as settled."""
    try:
        with open(binding.own("conflicts"), encoding="utf-8") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    return [
        path for kind, _, path in (line.partition(" ") for line in lines) if not _settled(binding, kind, path)
    ]


def record(binding: Binding, found: Iterable[tuple[str, str]]) -> None:
    """Keep (kind, path) pairs, besides those that are unsettled still. Kind `text` has markers in the file."""
    known = set(unsettled(binding))
    try:
        with open(binding.own("conflicts"), encoding="utf-8") as file:
            lines = {line for line in file.read().splitlines() if line.partition(" ")[2] in known}
    except FileNotFoundError:
        lines = set()
    lines |= {f"{kind} {path}" for kind, path in found}
    write_atomically(binding.own("conflicts"), "".join(f"{line}\n" for line in sorted(lines)).encode())


def settle(binding: Binding, paths: Iterable[str]) -> list[str]:
    """A person says that these paths are right now; gives those that were in conflict."""
    settled = set(paths).intersection(unsettled(binding))
    with open(binding.own("conflicts"), encoding="utf-8") as file:
        lines = [line for line in file.read().splitlines() if line.partition(" ")[2] not in settled]
    write_atomically(binding.own("conflicts"), "".join(f"{line}\n" for line in lines).encode())
    return sorted(settled)


def _settled(binding: Binding, kind: str, path: str) -> bool:
    if kind != "text":
        return False
    from gitslice_core.merge import has_markers

    try:
        with open(os.path.join(binding.root, path), "rb") as file:
            return not has_markers(file.read())
    except OSError:
        return True
