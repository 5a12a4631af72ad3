"""What landing or rebasing a patchset would do now: computed outside any lock, checked again under the locks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef

from changesets.collisions import (
    CONTENT,
    CRITICAL,
    FILE_FOLDER,
    HIGH,
    MEDIUM,
    RENAME,
    Collision,
    Merged,
    meet,
)
from changesets.edits import DELETE, PathEdit
from changesets.edits import RENAME as RENAME_OP
from changesets.models import Edit, Patchset
from changesets.renames import landed_rename
from changesets.similarity import Candidate
from gitslice.objects.services import put_blobs, read_blobs
from slices.commits import Change
from slices.entries import Entry, Head, entry_of, heads
from slices.ledger import file_folder_collisions
from slices.models import Commit, MergedCommit, Slice


@dataclass(frozen=True)
class Plan:
    """How a patchset meets the heads that `seen` records."""

    patchset: Patchset
    edits: tuple[PathEdit, ...]  # as the author made them
    rebased: tuple[PathEdit, ...]  # the same on the heads; edits that the heads already hold are left out
    seen: dict[str, Head]
    moved: tuple[str, ...]  # paths whose head is no longer the edit's base
    merged: tuple[str, ...]  # those of them that merge cleanly
    collisions: tuple[Collision, ...]
    contents: dict[bytes, bytes]  # merged contents that are not stored yet, by digest
    followed: dict[
        str, PathEdit
    ]  # collided path -> the edit that would follow their rename of it, where that is clean

    @property
    def changes(self) -> list[Change]:
        return [Change(edit.path, edit.op, edit.base, edit.new, edit.renamed_from) for edit in self.rebased]

    @property
    def added(self) -> list[str]:
        return [edit.path for edit in self.rebased if edit.base is None and edit.new is not None]

    @property
    def removed(self) -> list[str]:
        return [edit.path for edit in self.rebased if edit.new is None]


def load_edits(patchset: Patchset) -> tuple[PathEdit, ...]:
    """The edits of a patchset in path order; those that this request has just written are known."""
    if patchset.known_edits is not None:
        return patchset.known_edits
    rows = Edit.objects.filter(patchset=patchset).order_by("path")
    return tuple(
        PathEdit(
            path, op, entry_of(base_mode, base_digest, base_size), entry_of(mode, digest, size), renamed_from
        )
        for path, op, mode, digest, size, base_mode, base_digest, base_size, renamed_from in rows.values_list(
            "path", "op", "mode", "digest", "size", "base_mode", "base_digest", "base_size", "renamed_from"
        )
    )


def make_plan(
    slice: Slice, patchset: Patchset, *, strict: bool | None = None, structure: bool = True
) -> Plan:
    """Compare the patchset with the heads. `strict` (default: the slice's policy `file`) lets no path pass that another
    slice has landed since the base and that the global state does not have yet, whatever the content; without `structure` nobody looks for added files that stand
    where folders are."""
    edits = load_edits(patchset)
    seen = heads(slice.organization_id, [edit.path for edit in edits])
    moved = [edit for edit in edits if _current(seen, edit.path) != edit.base]
    strict = slice.conflict_policy == Slice.ConflictPolicy.FILE if strict is None else strict
    foreign = _landed_elsewhere(slice, seen, moved) if strict else set()
    meeting = _Meeting(slice.organization_id, edits, seen, foreign)
    for edit in moved:
        meeting.add(edit)
    rebased = meeting.rebased()
    collisions = meeting.collisions + (_file_folder(slice.organization_id, rebased) if structure else [])
    return Plan(
        patchset=patchset,
        edits=edits,
        rebased=tuple(rebased),
        seen=seen,
        moved=tuple(edit.path for edit in moved),
        merged=tuple(sorted(meeting.results)),
        collisions=tuple(sorted(collisions, key=lambda collision: collision.path)),
        contents=meeting.contents,
        followed=meeting.followed,
    )


class _Meeting:
    """Collects what becomes of each moved path."""

    def __init__(
        self, organization_id: int, edits: Sequence[PathEdit], seen: dict[str, Head], foreign: set[str]
    ) -> None:
        self.edits, self.seen, self.foreign = edits, seen, foreign
        self.organization_id = organization_id
        self.renamed_to = {edit.renamed_from: edit for edit in edits if edit.renamed_from}
        self.results: dict[str, Entry | None] = {}
        self.collisions: list[Collision] = []
        self.contents: dict[bytes, bytes] = {}
        self.followed: dict[str, PathEdit] = {}
        self.carried: dict[str, Entry] = {}  # new path of a rename -> its entry with their changes merged in

    def add(self, edit: PathEdit) -> None:
        theirs = _current(self.seen, edit.path)
        if edit.path in self.foreign:
            hint = (
                "another team landed this file since your base, and this slice's policy lets nothing pass"
                " until the global state has it"
            )
            self.collisions.append(
                Collision(
                    edit.path, CONTENT, HIGH, edit.base, edit.new, theirs, hint, "wait, or rebase onto it"
                )
            )
        elif edit.path in self.renamed_to:
            self._carry(edit, theirs)
        elif edit.op == RENAME_OP and theirs is not None:
            hint = f"you renamed {edit.renamed_from} to this path, where they added another file"
            self.collisions.append(
                Collision(edit.path, RENAME, CRITICAL, None, edit.new, theirs, hint, "choose another name")
            )
        elif theirs is None and edit.base and edit.new and (came := self._renamed_by_them(edit)):
            self._follow(edit, came)
        else:
            self._settle(edit.path, meet(edit.path, edit.base, edit.new, theirs, self._read, _limit()))

    def _renamed_by_them(self, edit: PathEdit) -> Candidate | None:
        """Where the file that we changed stands now, if they renamed it."""
        assert edit.base is not None
        came = landed_rename(self.organization_id, edit.path, self.seen[edit.path].seq, edit.base, _limit())
        return came if came and all(came.path != other.path for other in self.edits) else None

    def _follow(self, edit: PathEdit, came: Candidate) -> None:
        """They renamed the file that we changed. The author decides; `auto` takes the change to the new path."""
        outcome = meet(came.path, edit.base, edit.new, came.entry, self._read, _limit())
        hint = f"they renamed the file that you changed to {came.path}"
        if isinstance(outcome, Collision):
            advice = f"take theirs and make your change again in {came.path}"
            self.collisions.append(
                replace(outcome, path=edit.path, kind=RENAME, severity=CRITICAL, hint=hint, advice=advice)
            )
            return
        entry = self._stored(outcome)
        op = "chmod" if entry and entry.digest == came.entry.digest else "modify"
        self.followed[edit.path] = PathEdit(came.path, op, came.entry, entry)
        advice = "'auto' makes your change there"
        self.collisions.append(
            Collision(edit.path, RENAME, MEDIUM, edit.base, edit.new, came.entry, hint, advice)
        )

    def rebased(self) -> list[PathEdit]:
        """All edits on the present heads, without those that change nothing any more."""
        collided = {collision.path for collision in self.collisions}
        result = []
        for edit in self.edits:
            if edit.path in collided:
                continue
            current = _current(self.seen, edit.path)
            new = self.carried.get(edit.path, self.results.get(edit.path, edit.new))
            if new != current:
                result.append(edit._replace(base=current, new=new, op=_op(edit, current, new)))
        return result

    def _carry(self, deleted: PathEdit, theirs: Entry | None) -> None:
        """They changed the file that we renamed: their change follows it to the new path."""
        renamed = self.renamed_to[deleted.path]
        if theirs is None:
            hint = f"they deleted {deleted.path}, which you renamed to this path"
            advice = "'theirs' lets it go, 'ours' keeps it under its new name"
            self.collisions.append(
                Collision(renamed.path, RENAME, CRITICAL, deleted.base, renamed.new, None, hint, advice)
            )
            return
        outcome = meet(renamed.path, deleted.base, renamed.new, theirs, self._read, _limit())
        if isinstance(outcome, Collision):
            self.collisions.append(outcome)
            return
        entry = self._stored(outcome)
        assert entry is not None
        self.carried[renamed.path] = entry
        self.results[deleted.path] = None

    def _settle(self, path: str, outcome: Merged | Collision) -> None:
        if isinstance(outcome, Collision):
            self.collisions.append(outcome)
        else:
            self.results[path] = self._stored(outcome)

    def _stored(self, outcome: Merged) -> Entry | None:
        if outcome.content is None:
            return outcome.entry
        assert outcome.mode is not None
        entry = content_entry(outcome.mode, outcome.content)
        self.contents[entry.digest] = outcome.content
        return entry

    def _read(self, digest: bytes) -> bytes:
        return read_blobs(self.organization_id, [digest])[digest]


def content_entry(mode: str, content: bytes) -> Entry:
    return Entry(mode, hashlib.sha256(content).digest(), len(content))


def store_contents(plan: Plan, *, user: Any, organization: Any) -> None:
    """Upload what the merges made, before any row names it."""
    if plan.contents:
        put_blobs(user=user, organization=organization, contents=list(plan.contents.values()))


def _current(seen: dict[str, Head], path: str) -> Entry | None:
    head = seen.get(path)
    return head.entry if head else None


def _op(edit: PathEdit, current: Entry | None, new: Entry | None) -> str:
    """The op that the edit is, now that it stands on `current`."""
    if edit.op == RENAME_OP:
        return edit.op
    if new is None:
        return DELETE
    if current is None:
        return "add"
    return "chmod" if new.digest == current.digest else "modify"


def _landed_elsewhere(slice: Slice, seen: dict[str, Head], moved: Sequence[PathEdit]) -> set[str]:
    """Moved paths whose head another slice landed, and that is not yet in the global state."""
    seqs = {edit.path: seen[edit.path].seq for edit in moved if edit.path in seen}
    landed = Commit.objects.filter(organization=slice.organization_id, seq__in=set(seqs.values()))
    merged = MergedCommit.objects.filter(organization=slice.organization_id, seq=OuterRef("seq"))
    foreign = set(landed.exclude(slice=slice).filter(~Exists(merged)).values_list("seq", flat=True))
    return {path for path, seq in seqs.items() if seq in foreign}


def _file_folder(organization_id: int, rebased: Sequence[PathEdit]) -> list[Collision]:
    added = [edit for edit in rebased if edit.base is None and edit.new is not None]
    removed = [edit.path for edit in rebased if edit.new is None]
    standing = file_folder_collisions(organization_id, [edit.path for edit in added], removed)
    return [
        Collision(
            edit.path,
            FILE_FOLDER,
            CRITICAL,
            None,
            edit.new,
            None,
            f"{standing[edit.path]} stands there",
            "choose another name",
        )
        for edit in added
        if edit.path in standing
    ]


def _limit() -> int:
    return settings.GITSLICE_MAX_MERGE_BYTES
