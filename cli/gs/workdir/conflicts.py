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
    found = (line.partition(" ") for line in _lines(binding))
    return [path for kind, _, path in found if not _settled(binding, kind, path)]


def recorded(binding: Binding) -> list[str]:
    """Paths that a pull left in conflict and nobody has settled by name; their markers may be gone already."""
    return [line.partition(" ")[2] for line in _lines(binding)]


def record(binding: Binding, found: Iterable[tuple[str, str]]) -> None:
    """Keep (kind, path) pairs, besides those that are unsettled still. Kind `text` has markers in the file."""
    known = set(unsettled(binding))
    lines = {line for line in _lines(binding) if line.partition(" ")[2] in known}
    lines |= {f"{kind} {path}" for kind, path in found}
    _write(binding, sorted(lines))


def settle(binding: Binding, paths: Iterable[str]) -> list[str]:
    """A person says that these paths are right now; gives those that were recorded."""
    settled = set(paths).intersection(recorded(binding))
    _write(binding, [line for line in _lines(binding) if line.partition(" ")[2] not in settled])
    return sorted(settled)


def _lines(binding: Binding) -> list[str]:
    try:
        with open(binding.own("conflicts"), encoding="utf-8") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


def _write(binding: Binding, lines: list[str]) -> None:
    write_atomically(binding.own("conflicts"), "".join(f"{line}\n" for line in lines).encode())


def _settled(binding: Binding, kind: str, path: str) -> bool:
    if kind != "text":
        return False
    from gitslice_core.merge import has_markers

    try:
        with open(os.path.join(binding.root, path), "rb") as file:
            return not has_markers(file.read())
    except OSError:
        return True
