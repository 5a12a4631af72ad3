"""What one patchset of a changeset made of another. What others landed between their bases is left out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from changesets.edits import PathEdit
from changesets.models import Patchset
from changesets.plans import load_edits
from gitslice.objects.services import read_blobs
from gitslice_core.diff import is_binary
from gitslice_core.merge import MergeTooLarge, merge
from slices.diffs import BATCH_BYTES, MAX_FILE_BYTES, RENAME, FilePair, op_between
from slices.entries import Entry

MAX_CARRIED_BYTES = 32 << 20  # contents that one request merges; edits after them are compared as they are


@dataclass(frozen=True)
class Comparison:
    """The files that differ, in path order. `known`: contents that are not stored, by digest. `left_out`: paths where
    something that others landed is left out; `mixed`: those where it could not be told apart."""

    pairs: list[FilePair]
    known: dict[bytes, bytes] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    mixed: frozenset[str] = frozenset()


class _Step(NamedTuple):
    """What becomes of one file: the edits of both patchsets, either of which may have none."""

    path: str
    was: PathEdit | None
    now: PathEdit | None
    renamed_from: str | None

    @property
    def same(self) -> bool:
        return self.was is not None and self.now is not None and self.was.new == self.now.new

    @property
    def moved(self) -> bool:
        """Do both edit the file, on different bases?"""
        return self.was is not None and self.now is not None and self.was.base != self.now.base

    @property
    def entries(self) -> tuple[Entry | None, ...]:
        """What has to be read to carry the old edit to the new base."""
        assert self.was is not None
        assert self.now is not None
        return self.was.base, self.was.new, self.now.base


def compare_patchsets(before: Patchset, after: Patchset, only: str = "") -> Comparison:
    """From what `before` does to what `after` does; limited to the file `only`, if one is named.

    Where the bases differ, the old edit is carried to the new base first, by a three-way merge, and the new edit is
    compared with that: what remains is what the author changed. An edit that only one of the patchsets has is compared
    with the entry that it was made on.
    """
    steps = [step for step in _steps(_by_path(before), _by_path(after)) if not only or step.path == only]
    steps = [step for step in steps if step.renamed_from or not step.same]
    moved = [step for step in steps if step.moved]
    known: dict[bytes, bytes] = {}
    carried: dict[str, Entry | None] = {}
    for batch in _batches(moved):
        contents = _contents(after.changeset.organization_id, batch)
        for step in batch:
            result = _carry(step, contents)
            if result is not None:
                carried[step.path], content = result
                if content is not None:
                    known[hashlib.sha256(content).digest()] = content
    pairs = [_pair(step, carried) for step in steps]
    return Comparison(
        pairs=[pair for pair in pairs if pair.old != pair.new or pair.renamed_from],
        known=known,
        left_out=frozenset(carried),
        mixed=frozenset(step.path for step in moved) - carried.keys(),
    )


def _by_path(patchset: Patchset) -> dict[str, PathEdit]:
    return {edit.path: edit for edit in load_edits(patchset)}


def _steps(old: Mapping[str, PathEdit], new: Mapping[str, PathEdit]) -> Iterator[_Step]:
    """In path order. A file that only one of the patchsets renames, or each to another path, is one step."""
    places = _followed(old, new)
    paths = (old.keys() | new.keys()) - set(places.values()) | places.keys()
    for path in sorted(paths, key=str.encode):
        if path in places:
            before = places[path]
            yield _Step(path, _based(old, before), _based(new, path), before if before != path else None)
        else:
            yield _Step(path, old.get(path), new.get(path), None)


def _followed(old: Mapping[str, PathEdit], new: Mapping[str, PathEdit]) -> dict[str, str]:
    """Path -> where the file stands in the older patchset; of renamed files that stand in both, where nothing else takes
    one of the places."""
    moved_old, moved_new = (
        {edit.renamed_from: path for path, edit in edits.items() if edit.renamed_from} for edits in (old, new)
    )
    places = {}
    for source in moved_old.keys() | moved_new.keys():
        before, after = moved_old.get(source, source), moved_new.get(source, source)
        gone = any(
            edits[place].new is None for edits, place in ((old, before), (new, after)) if place in edits
        )
        taken = before != after and (
            (after != source and after in old) or (before != source and before in new)
        )
        if not gone and not taken:
            places[after] = before
    return places


def _based(edits: Mapping[str, PathEdit], path: str) -> PathEdit | None:
    """The edit at the path; a rename is based on what stood at its old path."""
    edit = edits.get(path)
    if edit is None or edit.renamed_from is None or edit.renamed_from not in edits:
        return edit
    return edit._replace(base=edits[edit.renamed_from].base)


def _pair(step: _Step, carried: Mapping[str, Entry | None]) -> FilePair:
    """Of a file that one patchset leaves alone, the other side is what the edit was made on."""
    was, now = step.was, step.now
    old = was.new if was else now.base if now else None
    new = now.new if now else was.base if was else None
    old = carried.get(step.path, old)
    if step.renamed_from and old and new:
        return FilePair(step.path, RENAME, old, new, step.renamed_from)
    return FilePair(step.path, op_between(old, new), old, new)


def _batches(steps: Sequence[_Step]) -> Iterator[list[_Step]]:
    """The steps that can be carried, in runs of BATCH_BYTES, as far as MAX_CARRIED_BYTES reach."""
    batch: list[_Step] = []
    size, left = 0, MAX_CARRIED_BYTES
    for step in steps:
        if not all(entry is not None and entry.size <= MAX_FILE_BYTES for entry in step.entries):
            continue
        more = sum(entry.size for entry in step.entries if entry)
        left -= more
        if left < 0:
            break
        if batch and size + more > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(step)
        size += more
    if batch:
        yield batch


def _contents(organization_id: int, steps: Sequence[_Step]) -> dict[bytes, bytes]:
    return read_blobs(organization_id, {entry.digest for step in steps for entry in step.entries if entry})


def _carry(step: _Step, contents: Mapping[bytes, bytes]) -> tuple[Entry, bytes | None] | None:
    """What the old edit gives on the new base, with its content if that may be stored nowhere; None where both touch the
    same lines."""
    base, edited, onto = (entry for entry in step.entries if entry)
    mode = onto.mode if edited.mode == base.mode else edited.mode
    if edited.digest == base.digest:
        return Entry(mode, onto.digest, onto.size), None
    if onto.digest == base.digest:
        return Entry(mode, edited.digest, edited.size), None
    texts = [contents[entry.digest] for entry in (base, edited, onto)]
    if any(map(is_binary, texts)):
        return None
    try:
        merged = merge(texts[0], texts[1], texts[2])
    except MergeTooLarge:
        return None
    content = merged.content
    if content is None:
        return None
    return Entry(mode, hashlib.sha256(content).digest(), len(content)), content
