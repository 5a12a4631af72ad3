"""What one patchset of a changeset made of another. What only rebasing changed is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from changesets.edits import PathEdit
from changesets.models import Patchset
from changesets.plans import load_edits
from gitslice.objects.services import read_blobs
from gitslice_core.diff import is_binary
from gitslice_core.merge import MergeTooLarge, merge
from slices.diffs import MAX_FILE_BYTES, FilePair, file_diffs, op_between
from slices.entries import Entry


def patchset_diffs(before: Patchset, after: Patchset) -> list[dict[str, Any]]:
    """FILEDIFFs from what `before` does to what `after` does, in path order. An edit that only one of them has is
    compared with the entry it was made on."""
    old, new = ({edit.path: edit for edit in load_edits(patchset)} for patchset in (before, after))
    organization_id = after.changeset.organization_id
    pairs = [_pair(path, old.get(path), new.get(path)) for path in sorted(old | new, key=str.encode)]
    pairs = [pair for pair in pairs if pair.old != pair.new]
    moved = [pair.path for pair in pairs if _moved(old.get(pair.path), new.get(pair.path))]
    noise = {path for path in moved if _only_rebased(organization_id, old[path], new[path])}
    return file_diffs(organization_id, [pair for pair in pairs if pair.path not in noise])


def _pair(path: str, old: PathEdit | None, new: PathEdit | None) -> FilePair:
    one = _result(old, new)
    other = _result(new, old)
    return FilePair(path, op_between(one, other), one, other)


def _result(edit: PathEdit | None, other: PathEdit | None) -> Entry | None:
    """What stands at the path after the edit; without one, what the other edit was made on."""
    if edit is not None:
        return edit.new
    assert other is not None
    return other.base


def _moved(old: PathEdit | None, new: PathEdit | None) -> bool:
    """Do both edit the path, on different bases, with contents that can be merged?"""
    if old is None or new is None or old.base == new.base:
        return False
    entries = (old.base, old.new, new.base, new.new)
    return all(entry is not None and entry.size <= MAX_FILE_BYTES for entry in entries)


def _only_rebased(organization_id: int, old: PathEdit, new: PathEdit) -> bool:
    """Does the old edit, carried to the new base, give just what the new one gives?"""
    contents = _contents(organization_id, (old.base, old.new, new.base, new.new))
    if any(map(is_binary, contents)):
        return False
    base, ours, theirs, wanted = contents
    try:
        return merge(base, ours, theirs).content == wanted
    except MergeTooLarge:
        return False


def _contents(organization_id: int, entries: Sequence[Entry | None]) -> list[bytes]:
    digests = {entry.digest for entry in entries if entry}
    found: Mapping[bytes, bytes] = read_blobs(organization_id, digests)
    return [found[entry.digest] if entry else b"" for entry in entries]
