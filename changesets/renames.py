"""Renames: those that were declared, and those that similar contents give away (changesets/similarity.py)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from changesets.edits import PathEdit
from changesets.similarity import MOST_PAIRS, Candidate, comparable, most_similar
from gitslice.objects.services import read_blobs
from slices.entries import Entry, entry_of, heads
from slices.models import PathVersion

MOST_ADDED = 200  # files of a commit among which a renamed one is looked for


def landed_rename(organization_id: int, path: str, seq: int, base: Entry, limit: int) -> Candidate | None:
    """Where the file that the commit `seq` deleted at `path` stands now: under the name that the commit declares, or
    as the file that it added with the most similar content. `base` is what the file was; contents above `limit` bytes
    are not compared."""
    versions = PathVersion.objects.filter(organization_id=organization_id, seq=seq)
    declared = versions.filter(renamed_from=path).values_list("path", flat=True).first()
    if declared is not None:
        return _standing(organization_id, declared)
    rows = versions.filter(op="add").values_list("path", "new_mode", "new_digest", "new_size")[
        : MOST_ADDED + 1
    ]
    added = [
        Candidate(name, entry)
        for name, mode, digest, size in rows
        if (entry := entry_of(mode, digest, size)) is not None
    ]
    if len(added) > MOST_ADDED:
        return None
    found = _most_similar(organization_id, base, added, limit)
    return found and _standing(organization_id, found.path)


def renames_of(organization_id: int, edits: Sequence[PathEdit], limit: int) -> dict[str, PathEdit]:
    """Old path -> the edit that stands under the new name: what the patchset declares, and what contents give away."""
    renames = {edit.renamed_from: edit for edit in edits if edit.renamed_from}
    gone = [edit for edit in edits if edit.new is None and edit.path not in renames]
    added = {edit.path: edit for edit in edits if edit.base is None and edit.new and not edit.renamed_from}
    if not gone or not added or len(gone) * len(added) > MOST_PAIRS:
        return renames
    for edit in gone:
        assert edit.base is not None
        came = [Candidate(path, new.new) for path, new in added.items() if new.new]
        found = _most_similar(organization_id, edit.base, came, limit)
        if found:
            renames[edit.path] = added.pop(found.path)
    return renames


def _most_similar(
    organization_id: int, gone: Entry, came: Iterable[Candidate], limit: int
) -> Candidate | None:
    near = [candidate for candidate in came if comparable(gone, candidate.entry)]
    return most_similar(gone, near, _contents(organization_id, gone, near, limit)) if near else None


def _contents(
    organization_id: int, gone: Entry, near: Sequence[Candidate], limit: int
) -> Mapping[bytes, bytes]:
    if gone.size > limit or any(candidate.entry.digest == gone.digest for candidate in near):
        return {}
    digests = {candidate.entry.digest for candidate in near if candidate.entry.size <= limit}
    return read_blobs(organization_id, digests | {gone.digest})


def _standing(organization_id: int, path: str) -> Candidate | None:
    head = heads(organization_id, [path]).get(path)
    return Candidate(path, head.entry) if head and head.entry else None
