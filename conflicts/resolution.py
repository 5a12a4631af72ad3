"""Resolving conflicts: every way out makes a new patchset on the head, and records who chose what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction

from accounts.models import User
from changesets.collisions import LOW, Collision, meet
from changesets.edits import DELETE, RENAME, PathEdit
from changesets.errors import Unresolvable, closed
from changesets.models import Changeset, Patchset
from changesets.mutations import REOPENABLE
from changesets.plans import Plan, content_entry, make_plan, store_contents
from changesets.services import replace_patchset
from conflicts.bookkeeping import resolve
from conflicts.detection import detect
from conflicts.models import Conflict
from conflicts.picking import check_picks, merged_sides, picked_content
from gitslice.common.errors import InvalidRequest
from gitslice.objects.services import put_blobs, read_blobs, uploaded_sizes
from slices.access import Access
from slices.entries import MODES, Entry, entry_body, standing_in_the_way
from slices.history import head_of
from slices.patterns import patterns_of

OURS, THEIRS, AUTO, MANUAL, FORCE = "ours", "theirs", "auto", "manual", "force"
CHOICES = (OURS, THEIRS, AUTO, MANUAL, FORCE)


@dataclass(frozen=True)
class Resolution:
    """The choice for one path; `mode` and `digest` name the content of a `manual` one (neither: delete). `hunks` has what
    was chosen at each place, and makes the content where no digest is given. `seen` is the digest of theirs that the
    choice was made on ("" for a deleted file)."""

    path: str
    choice: str
    mode: str | None = None
    digest: bytes | None = None
    hunks: tuple[str, ...] = ()
    seen: str | None = None


def resolve_conflicts(
    *,
    actor: User,
    changeset: Changeset,
    resolutions: Sequence[Resolution],
    for_all: str | None = None,
    expected_patchset: int | None = None,
) -> tuple[Changeset, dict[str, str]]:
    """Resolve the named conflicts, and all others by `for_all` (ours, theirs or auto) if given.

    Conflicts with what has landed come first; a path without one is resolved against the other open changesets that
    edit it, and `for_all` means these where nothing that landed is in the way. Conflicts that are not named stay: their
    edits keep the base they have. `force` is for maintainers: ours, and what stands in its way is deleted. Gives the
    changeset and path -> choice. Raises Unresolvable for a path without conflict or a choice that does not fit it;
    StalePatchset if somebody else was faster; SliceForbidden.
    """
    access = Access(changeset.slice, actor)
    access.require_writer()
    if changeset.state not in REOPENABLE:
        raise closed(changeset)
    if AUTO in {for_all, *(resolution.choice for resolution in resolutions)}:
        detect(changeset)  # what is merged has to be what the others have now
    head = head_of(changeset.slice)
    plan = make_plan(changeset.slice, changeset.current)
    if expected_patchset is None:
        expected_patchset = changeset.current.number
    meeting = _Meeting.of(actor, changeset, plan)
    chosen = _choices(meeting, resolutions, for_all)
    if FORCE in _names(chosen):
        access.require_maintainer()
    merged = make_plan(changeset.slice, changeset.current, strict=False) if AUTO in _names(chosen) else None
    sides = {path: _sides(changeset, meeting, path) for path in chosen}
    for resolution in chosen.values():
        _check_seen(resolution, changeset, meeting)
    by_hunks = _contents_by_hunks(changeset, chosen, sides)
    entries = _manual_entries(actor, changeset, chosen) | {
        path: entry for path, (entry, _) in by_hunks.items()
    }
    settling = _Settling(changeset, meeting, merged, chosen, entries)
    settling.contents |= {entry.digest: content for entry, content in by_hunks.values()}
    edits = settling.edits()
    settling.store(actor)
    decisions = {path: resolution.choice for path, resolution in chosen.items()}
    with transaction.atomic():
        changeset = replace_patchset(
            actor=actor,
            changeset=changeset,
            plan=plan,
            base=head,
            edits=edits,
            origin=Patchset.Origin.RESOLVE,
            decisions=decisions,
        )
        _close_rows(actor, changeset, chosen, meeting, edits)
    detect(changeset)
    return changeset, decisions


@dataclass(frozen=True)
class _Meeting:
    """What a changeset collides with: on the heads, and in other open changesets where the heads are clear, as far as
    the actor sees these."""

    plan: Plan
    landed: dict[str, Collision]
    opened: dict[str, list[Conflict]]

    @classmethod
    def of(cls, actor: User, changeset: Changeset, plan: Plan) -> _Meeting:
        landed = {collision.path: collision for collision in plan.collisions}
        opened: dict[str, list[Conflict]] = {}
        told = Conflict.objects.open().told_to(actor)
        rows = told.of_changeset(changeset.pk).filter(their_changeset__isnull=False)
        edited = {edit.path for edit in plan.edits}
        for row in rows.order_by("pk"):
            path = row.path if row.changeset_id == changeset.pk else row.their_path or row.path
            path = path if path in edited else row.path
            if path in edited and path not in landed:
                opened.setdefault(path, []).append(row)
        return cls(plan, landed, opened)


def _choices(
    meeting: _Meeting, resolutions: Sequence[Resolution], for_all: str | None
) -> dict[str, Resolution]:
    if not meeting.landed and not meeting.opened:
        raise Unresolvable("there is no conflict to resolve", hint="run 'gs changeset merge'")
    unclean = [path for path, rows in meeting.opened.items() if any(row.severity != LOW for row in rows)]
    chosen = {path: Resolution(path, for_all) for path in meeting.landed or unclean} if for_all else {}
    for resolution in resolutions:
        if resolution.path not in meeting.landed and resolution.path not in meeting.opened:
            raise Unresolvable(f"{resolution.path} has no conflict", path=resolution.path)
        chosen[resolution.path] = resolution
    if not chosen and for_all:
        raise Unresolvable(
            "nothing stands in the way, and what other open changesets edit merges cleanly",
            hint="run 'gs changeset merge'",
        )
    if not chosen:
        raise InvalidRequest("name the paths to resolve, or a choice for all")
    return chosen


def _names(chosen: Mapping[str, Resolution]) -> set[str]:
    return {resolution.choice for resolution in chosen.values()}


class _Settling:
    """Works out the edits of the new patchset. `contents` are what clean merges with open changesets made, by digest."""

    def __init__(
        self,
        changeset: Changeset,
        meeting: _Meeting,
        merged: Plan | None,
        chosen: Mapping[str, Resolution],
        entries: Mapping[str, Entry | None],
    ) -> None:
        self.changeset, self.meeting, self.merged = changeset, meeting, merged
        self.chosen, self.entries = chosen, entries
        self.plan = meeting.plan
        self.contents: dict[bytes, bytes] = {}

    def edits(self) -> list[PathEdit]:
        originals = {edit.path: edit for edit in self.plan.edits}
        rebased = {edit.path: edit for edit in self.plan.rebased}
        edits: dict[str, PathEdit] = {}
        for path in sorted(originals, key=str.encode):
            for edit in self._at(path, originals[path], rebased.get(path)):
                edits[edit.path] = edit
        return [edits[path] for path in sorted(edits, key=str.encode)]

    def store(self, actor: User) -> None:
        """Upload what the merges made, before any row names it."""
        organization = self.changeset.organization
        for plan in filter(None, (self.plan, self.merged)):
            store_contents(plan, user=actor, organization=organization)
        if self.contents:
            put_blobs(user=actor, organization=organization, contents=list(self.contents.values()))

    def _at(self, path: str, original: PathEdit, rebased: PathEdit | None) -> list[PathEdit]:
        """The edits that one becomes: none when nothing is left to change."""
        collision = self.meeting.landed.get(path)
        if collision is None:
            if path in self.chosen and path in self.meeting.opened:
                return self._with_open(path, original, rebased)
            return [rebased] if rebased else []
        if path not in self.chosen:
            return [original]
        choice = self.chosen[path].choice
        if choice == AUTO:
            return self._merged(path)
        current = self._current(path)
        wanted = (
            collision.ours if choice in (OURS, FORCE) else current if choice == THEIRS else self.entries[path]
        )
        if wanted == current:
            return []
        if collision.kind != "file_folder" or choice not in (OURS, FORCE):
            return [_edit(original, current, wanted)]
        if choice == OURS:
            raise Unresolvable(
                f"{path} stands inside a file, or where a folder is", hint="rename your file", path=path
            )
        return [*self._obstacles(path), _edit(original, current, wanted)]

    def _current(self, path: str) -> Entry | None:
        head = self.plan.seen.get(path)
        return head.entry if head else None

    def _merged(self, path: str) -> list[PathEdit]:
        assert self.merged is not None
        covers = patterns_of(self.changeset.slice).covers
        followed = self.merged.followed.get(path)
        if followed is not None and covers(followed.path):
            return [followed]
        if any(collision.path == path for collision in self.merged.collisions):
            raise _unclean(path)
        return [edit for edit in self.merged.rebased if edit.path == path]

    def _with_open(self, path: str, original: PathEdit, rebased: PathEdit | None) -> list[PathEdit]:
        """Against other open changesets: keep ours as it is, let it go, merge theirs in, or take the given content."""
        choice = self.chosen[path].choice
        if choice == THEIRS or rebased is None:
            return []
        if choice in (OURS, FORCE):
            return [rebased]
        wanted = self._merged_with_open(path, original) if choice == AUTO else self.entries[path]
        return [] if wanted == rebased.base else [_edit(rebased, rebased.base, wanted)]

    def _merged_with_open(self, path: str, original: PathEdit) -> Entry | None:
        """Theirs merged into ours on the base that both descend from; then that onto the head, which does too."""
        rows = self.meeting.opened[path]
        if len(rows) > 1 or original.new is None:
            raise Unresolvable(f"{path} collides with several changesets", hint="edit it by hand", path=path)
        [row] = rows
        if row.kind == Conflict.Kind.RENAME:
            raise _unclean(path)
        base = _entry(row.base)
        both = self._merge(path, base, original.new, _theirs(row, self.changeset))
        return self._merge(path, base, both, self._current(path))

    def _merge(self, path: str, base: Entry | None, ours: Entry | None, theirs: Entry | None) -> Entry | None:
        outcome = meet(path, base, ours, theirs, self._read, settings.GITSLICE_MAX_MERGE_BYTES)
        if isinstance(outcome, Collision):
            raise _unclean(path)
        if outcome.content is None:
            return outcome.entry
        assert outcome.mode is not None
        entry = content_entry(outcome.mode, outcome.content)
        self.contents[entry.digest] = outcome.content
        return entry

    def _read(self, digest: bytes) -> bytes:
        if digest in self.contents:
            return self.contents[digest]
        return read_blobs(self.changeset.organization_id, [digest])[digest]

    def _obstacles(self, path: str) -> list[PathEdit]:
        """Deletions of the file that stands where a folder of `path` has to be, or of all files below `path`."""
        covers = patterns_of(self.changeset.slice).covers
        standing = standing_in_the_way(self.changeset.organization_id, path)
        outside = [name for name in standing if not covers(name)]
        if outside:
            raise Unresolvable(f"{outside[0]} stands in the way, outside {self.changeset.slice}", path=path)
        return [PathEdit(name, DELETE, entry, None) for name, entry in standing.items()]


class _Sides(NamedTuple):
    base: Entry | None
    ours: Entry | None
    theirs: Entry | None


def _sides(changeset: Changeset, meeting: _Meeting, path: str) -> _Sides:
    """What collides at the path: with what has landed, or with the first open changeset."""
    collision = meeting.landed.get(path)
    if collision is not None:
        return _Sides(collision.base, collision.ours, collision.theirs)
    row = meeting.opened[path][0]
    ours, theirs = _entry(row.ours), _entry(row.theirs)
    if row.changeset_id != changeset.pk:
        ours, theirs = theirs, ours
    return _Sides(_entry(row.base), ours, theirs)


def _check_seen(resolution: Resolution, changeset: Changeset, meeting: _Meeting) -> None:
    """Nobody decides on what they have not seen."""
    if resolution.seen is None:
        return
    landed = meeting.landed.get(resolution.path)
    rows = meeting.opened.get(resolution.path, ())
    now = [landed.theirs] if landed else [_theirs(row, changeset) for row in rows]
    if resolution.seen not in {entry.digest.hex() if entry else "" for entry in now}:
        raise Unresolvable(
            f"{resolution.path} was changed again by them", hint="look at it once more", path=resolution.path
        )


def _contents_by_hunks(
    changeset: Changeset, chosen: Mapping[str, Resolution], sides: Mapping[str, _Sides]
) -> dict[str, tuple[Entry, bytes]]:
    """Contents that are made of sides taken at each place. Raises Unresolvable."""
    made = {}
    for path, resolution in chosen.items():
        if resolution.choice != MANUAL or not resolution.hunks:
            continue
        result = merged_sides(changeset.organization_id, *sides[path])
        if resolution.digest is not None:
            check_picks(path, len(result.conflicts) if result else 0, resolution.hunks)
        else:
            content = picked_content(path, result, resolution.hunks)
            left = sides[path].ours or sides[path].theirs
            assert left is not None
            made[path] = (content_entry(resolution.mode or left.mode, content), content)
    return made


def _theirs(row: Conflict, changeset: Changeset) -> Entry | None:
    return _entry(row.theirs if row.changeset_id == changeset.pk else row.ours)


def _entry(body: dict[str, Any] | None) -> Entry | None:
    return Entry(body["mode"], bytes.fromhex(body["digest"]), body["size"]) if body else None


def _unclean(path: str) -> Unresolvable:
    return Unresolvable(
        f"{path} does not merge cleanly", hint="choose ours, theirs or edit it by hand", path=path
    )


def _edit(original: PathEdit, current: Entry | None, wanted: Entry | None) -> PathEdit:
    if wanted is None:
        return PathEdit(original.path, DELETE, current, None)
    if original.op == RENAME and current is None:
        return original._replace(base=None, new=wanted)
    return PathEdit(original.path, "add" if current is None else "modify", current, wanted)


def _manual_entries(
    actor: User, changeset: Changeset, chosen: Mapping[str, Resolution]
) -> dict[str, Entry | None]:
    manual = [one for one in chosen.values() if one.choice == MANUAL and (one.digest or not one.hunks)]
    digests = {resolution.digest for resolution in manual if resolution.digest}
    sizes = uploaded_sizes(actor.pk, changeset.organization_id, digests) if digests else {}
    entries: dict[str, Entry | None] = {}
    for resolution in manual:
        if resolution.digest is None:
            entries[resolution.path] = None
        elif resolution.digest not in sizes:
            raise Unresolvable(
                f"the content of {resolution.path} was never uploaded by you", path=resolution.path
            )
        elif resolution.mode not in MODES:
            raise InvalidRequest(f"{resolution.path}: mode is one of {', '.join(MODES)}")
        else:
            entries[resolution.path] = Entry(resolution.mode, resolution.digest, sizes[resolution.digest])
    return entries


def _close_rows(
    actor: User,
    changeset: Changeset,
    chosen: Mapping[str, Resolution],
    meeting: _Meeting,
    edits: Sequence[PathEdit],
) -> None:
    """The rows of what was decided are resolved. Those with open changesets keep what ours is from now on: as long as
    neither side changes again, the decision holds."""
    number = changeset.current.number
    ours = {edit.path: entry_body(edit.new) for edit in edits}
    for path, resolution in chosen.items():
        decision: dict[str, Any] = {"choice": resolution.choice, "hunks": resolution.hunks}
        rows = changeset.conflicts.open().with_landed().filter(path=path)
        for row in rows.select_for_update():
            resolve(row, actor=actor, patchset=number, **decision)
        for row in meeting.opened.get(path, ()):
            if row.changeset_id == changeset.pk:
                row.ours = ours.get(path)
            else:
                row.theirs = ours.get(path)
            row.save(update_fields=["ours", "theirs"])
            resolve(row, actor=actor, patchset=number, **decision)
