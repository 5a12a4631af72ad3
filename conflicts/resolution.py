"""Resolving conflicts: every way out makes a new patchset on the head, and records who chose what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from changesets.collisions import Collision
from changesets.edits import DELETE, RENAME, PathEdit
from changesets.errors import ChangesetClosed, Unresolvable
from changesets.models import Changeset, Patchset
from changesets.plans import Plan, make_plan, store_contents
from changesets.services import REOPENABLE, replace_patchset
from conflicts.detection import detect
from conflicts.models import Conflict
from gitslice.common.errors import InvalidRequest
from gitslice.objects.services import uploaded_sizes
from slices.access import Access
from slices.entries import MODES, Entry
from slices.history import head_of

OURS, THEIRS, AUTO, MANUAL = "ours", "theirs", "auto", "manual"
CHOICES = (OURS, THEIRS, AUTO, MANUAL)


@dataclass(frozen=True)
class Resolution:
    """The choice for one path; `mode` and `digest` name the content of a `manual` one (digest None: delete)."""

    path: str
    choice: str
    mode: str | None = None
    digest: bytes | None = None


def resolve_conflicts(
    *,
    actor: User,
    changeset: Changeset,
    resolutions: Sequence[Resolution],
    for_all: str | None = None,
    expected_patchset: int | None = None,
) -> tuple[Changeset, dict[str, str]]:
    """Resolve the named conflicts, and all others by `for_all` (ours, theirs or auto) if given.

    Conflicts that are not named stay: their edits keep the base they have. Gives the changeset and path -> choice.
    Raises Unresolvable for a path without conflict or a choice that does not fit it; StalePatchset if somebody else
    was faster.
    """
    Access(changeset.slice, actor).require_writer()
    if changeset.state not in REOPENABLE:
        raise ChangesetClosed(f"{changeset} is {changeset.state}")
    head = head_of(changeset.slice)
    plan = make_plan(changeset.slice, changeset.current)
    if expected_patchset is None:
        expected_patchset = changeset.current.number
    chosen = _choices(plan, resolutions, for_all)
    merged = make_plan(changeset.slice, changeset.current, strict=False) if AUTO in _names(chosen) else None
    entries = _manual_entries(actor, changeset, chosen)
    edits = [edit for path in _order(plan) for edit in _resolved(path, plan, merged, chosen, entries)]
    for source in filter(None, (plan, merged)):
        store_contents(source, user=actor, organization=changeset.organization)
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
        _close_rows(actor, changeset, decisions)
    detect(changeset)
    return changeset, decisions


def _choices(plan: Plan, resolutions: Sequence[Resolution], for_all: str | None) -> dict[str, Resolution]:
    collided = {collision.path for collision in plan.collisions}
    if not collided:
        raise Unresolvable("there is no conflict to resolve", hint="run 'gs changeset merge'")
    chosen = {path: Resolution(path, for_all) for path in collided} if for_all else {}
    for resolution in resolutions:
        if resolution.path not in collided:
            raise Unresolvable(f"{resolution.path} has no conflict", path=resolution.path)
        chosen[resolution.path] = resolution
    if not chosen:
        raise InvalidRequest("name the paths to resolve, or a choice for all")
    return chosen


def _names(chosen: Mapping[str, Resolution]) -> set[str]:
    return {resolution.choice for resolution in chosen.values()}


def _order(plan: Plan) -> list[str]:
    return sorted({edit.path for edit in plan.edits}, key=str.encode)


def _resolved(
    path: str,
    plan: Plan,
    merged: Plan | None,
    chosen: Mapping[str, Resolution],
    entries: Mapping[str, Entry | None],
) -> list[PathEdit]:
    """The edit of one path in the new patchset: none when nothing is left to change."""
    collision = next((collision for collision in plan.collisions if collision.path == path), None)
    original = next(edit for edit in plan.edits if edit.path == path)
    if collision is None:
        return [edit for edit in plan.rebased if edit.path == path]
    if path not in chosen:
        return [original]
    resolution = chosen[path]
    if resolution.choice == AUTO:
        return _merged_edit(path, merged)
    head = plan.seen.get(path)
    current = head.entry if head else None
    wanted = _wanted(resolution, collision, current, entries)
    if wanted == current:
        return []
    if collision.kind == "file_folder" and resolution.choice == OURS:
        raise Unresolvable(
            f"{path} stands inside a file, or where a folder is", hint="rename your file", path=path
        )
    return [_edit(original, current, wanted)]


def _merged_edit(path: str, merged: Plan | None) -> list[PathEdit]:
    assert merged is not None
    if any(collision.path == path for collision in merged.collisions):
        raise Unresolvable(
            f"{path} does not merge cleanly", hint="choose ours, theirs or edit it by hand", path=path
        )
    return [edit for edit in merged.rebased if edit.path == path]


def _wanted(
    resolution: Resolution, collision: Collision, current: Entry | None, entries: Mapping[str, Entry | None]
) -> Entry | None:
    if resolution.choice == OURS:
        return collision.ours
    if resolution.choice == THEIRS:
        return current
    return entries[resolution.path]


def _edit(original: PathEdit, current: Entry | None, wanted: Entry | None) -> PathEdit:
    if wanted is None:
        return PathEdit(original.path, DELETE, current, None)
    if original.op == RENAME and current is None:
        return original._replace(base=None, new=wanted)
    return PathEdit(original.path, "add" if current is None else "modify", current, wanted)


def _manual_entries(
    actor: User, changeset: Changeset, chosen: Mapping[str, Resolution]
) -> dict[str, Entry | None]:
    manual = [resolution for resolution in chosen.values() if resolution.choice == MANUAL]
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


def _close_rows(actor: User, changeset: Changeset, decisions: Mapping[str, str]) -> None:
    for path, choice in decisions.items():
        changeset.conflicts.open().filter(path=path).update(
            state=Conflict.State.RESOLVED, resolution=choice, resolved_by=actor
        )
