"""Two open changesets that edit the same paths: what would collide if one landed after the other. Pure.

The result depends on the two patchsets alone, not on what lands meanwhile. Where their edits were made on different
entries, the older base is the common ancestor: the newer one descends from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from changesets.collisions import (
    CONTENT,
    CRITICAL,
    FILE_FOLDER,
    LOW,
    RENAME,
    Collision,
    Merged,
    Read,
    meet,
)
from changesets.edits import PathEdit
from gitslice_core.paths import ancestors
from slices.entries import Entry

TURNED = {
    "you": "they",
    "they": "you",
    "your": "their",
    "their": "your",
    "theirs": "yours",
    "yours": "theirs",
    "'ours'": "'theirs'",
    "'theirs'": "'ours'",
}


@dataclass(frozen=True)
class Side:
    """A patchset: its edits by path, and the edit that each renamed file became, by the old path. `base_seq` orders
    the bases of two sides."""

    base_seq: int
    edits: Mapping[str, PathEdit]
    renames: Mapping[str, PathEdit]


class Met(NamedTuple):
    """A collision, with the path of theirs where that is another."""

    collision: Collision
    their_path: str = ""


def meetings(ours: Side, theirs: Side, read: Read, limit: int) -> Iterator[Met]:
    """What collides, in path order: one for each path of ours. Edits that merge cleanly, or are the same, are of
    severity `low`."""
    older = ours if ours.base_seq <= theirs.base_seq else theirs
    for path in sorted(ours.edits.keys() & theirs.edits.keys(), key=str.encode):
        met = _at(path, older.edits[path].base, ours, theirs, read, limit)
        if met is not None:
            yield met
    yield from _files_and_folders(ours, theirs)


def _at(path: str, base: Entry | None, ours: Side, theirs: Side, read: Read, limit: int) -> Met | None:
    mine, other = ours.edits[path], theirs.edits[path]
    our_name, their_name = ours.renames.get(path), theirs.renames.get(path)
    if our_name and their_name:
        return _both_renamed(path, base, our_name, their_name)
    if our_name and other.new is not None:
        return _followed(
            path, meet(path, base, our_name.new, other.new, read, limit), our_name.path, by_us=True
        )
    if their_name and mine.new is not None:
        found = _followed(
            path, meet(path, base, mine.new, their_name.new, read, limit), their_name.path, by_us=False
        )
        return found._replace(their_path=their_name.path)
    if mine.renamed_from != other.renamed_from and mine.new != other.new:
        hint = f"both put a file at this path, renamed from {mine.renamed_from or other.renamed_from}"
        return Met(
            Collision(
                path, RENAME, CRITICAL, None, mine.new, other.new, hint, "agree on another name for one"
            )
        )
    outcome = meet(path, base, mine.new, other.new, read, limit)
    if isinstance(outcome, Collision):
        return Met(outcome)
    same = mine.new == other.new
    hint = "both make the same change" if same else "both change this file, and their changes merge cleanly"
    advice = "nothing needs to be done" if same else "nothing needs to be done; who lands second gets both"
    return Met(Collision(path, CONTENT, LOW, base, mine.new, other.new, hint, advice))


def _both_renamed(path: str, base: Entry | None, mine: PathEdit, other: PathEdit) -> Met | None:
    if mine.path == other.path:
        return None  # that path is edited by both, and tells more
    hint = f"both rename this file: one to {mine.path}, the other to {other.path}"
    found = Collision(path, RENAME, CRITICAL, base, mine.new, other.new, hint, "agree on one name")
    return Met(found, other.path)


def _followed(path: str, outcome: Merged | Collision, name: str, *, by_us: bool) -> Met:
    """One side renamed the file to `name`, the other changed it; `outcome` is how their contents meet."""
    who, whose = ("you", "theirs") if by_us else ("they", "your change")
    hint = f"{who} rename to {name} the file that {'they' if by_us else 'you'} change"
    if isinstance(outcome, Collision):
        advice = f"agree who lands first; {whose} has to be made again in {name}"
        return Met(replace(outcome, kind=RENAME, severity=CRITICAL, hint=hint, advice=advice))
    return Met(
        Collision(path, RENAME, LOW, None, None, None, hint, f"{whose} can follow to {name} with 'auto'")
    )


def _files_and_folders(ours: Side, theirs: Side) -> Iterator[Met]:
    """Files that one side adds where the other needs a folder: one collision a file, however much is to be below it."""
    mine, other = _added(ours), _added(theirs)
    for folder, path in _first_below(other.keys(), mine).items():
        yield _file_folder(mine[path], other[folder], f"you add {path}, they add {folder} as a file")
    for folder, path in _first_below(mine.keys(), other).items():
        hint = f"you add {folder} as a file, they add {path}"
        yield _file_folder(mine[folder], other[path], hint)


def _first_below(files: Collection[str], added: Mapping[str, PathEdit]) -> dict[str, str]:
    """File -> the first of the added paths that needs it to be a folder."""
    found: dict[str, str] = {}
    for path in sorted(added, key=str.encode):
        for folder in ancestors(path):
            if folder in files:
                found.setdefault(folder, path)
    return found


def _file_folder(mine: PathEdit, other: PathEdit, hint: str) -> Met:
    found = Collision(
        mine.path, FILE_FOLDER, CRITICAL, None, mine.new, other.new, hint, "one needs another name"
    )
    return Met(found, other.path)


def _added(side: Side) -> dict[str, PathEdit]:
    return {edit.path: edit for edit in side.edits.values() if edit.base is None and edit.new is not None}


def turned(words: str) -> str:
    """A hint or advice for ours, told to the other side."""
    return " ".join(TURNED.get(word, word) for word in words.split(" "))
