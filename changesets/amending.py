"""Edits of what a patchset made become edits of what it was made on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from changesets.edits import ADD, DELETE, RENAME, PathEdit
from slices.diffs import op_between
from slices.entries import Entry


def amended(before: Sequence[PathEdit], further: Sequence[PathEdit]) -> list[PathEdit]:
    """Both in one, in path order: `further` was made on the tree that `before` gives. What comes to nothing is left
    out; a file that was renamed twice was renamed once."""
    known = {edit.path: edit for edit in before}
    edits = dict(known)
    for edit in further:
        earlier = known.get(edit.path)
        base = earlier.base if earlier else edit.base
        edits[edit.path] = _edit(edit.path, base, edit.new, _source(edit, known))
    changed = {path: edit for path, edit in edits.items() if edit.base != edit.new}
    return [_settled(changed[path], changed) for path in sorted(changed, key=str.encode)]


def standing_after(base: Mapping[str, Entry], edits: Iterable[PathEdit]) -> dict[str, Entry]:
    """The entries of `base` as the edits leave them."""
    standing = dict(base)
    for edit in edits:
        if edit.new is None:
            standing.pop(edit.path, None)
        else:
            standing[edit.path] = edit.new
    return standing


def _source(edit: PathEdit, known: Mapping[str, PathEdit]) -> str | None:
    """The path of the base that the content comes from, where it was renamed."""
    if edit.op == RENAME and edit.renamed_from is not None:
        earlier = known.get(edit.renamed_from)
        if earlier is None or earlier.base is not None:
            return edit.renamed_from
        return earlier.renamed_from
    earlier = known.get(edit.path)
    return earlier.renamed_from if earlier and earlier.new is not None else None


def _edit(path: str, base: Entry | None, new: Entry | None, source: str | None) -> PathEdit:
    if new is None:
        return PathEdit(path, DELETE, base, None)
    if base is None:
        return PathEdit(path, RENAME, None, new, source) if source else PathEdit(path, ADD, None, new)
    return PathEdit(path, op_between(base, new), base, new)


def _settled(edit: PathEdit, edits: Mapping[str, PathEdit]) -> PathEdit:
    """A renamed file whose old path stands again was added."""
    old = edits.get(edit.renamed_from) if edit.renamed_from else None
    if edit.renamed_from is None or (old is not None and old.new is None):
        return edit
    return PathEdit(edit.path, ADD, None, edit.new)
