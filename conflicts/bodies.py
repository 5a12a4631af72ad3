"""Conflicts as the API shows them: from the side of who asks, and without the other side for who may not see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from changesets.collision_bodies import (
    Reader,
    changeset_side,
    commit_side,
    sentence,
    visible_slices,
)
from changesets.collisions import content_advice
from changesets.models import Changeset
from conflicts.models import Conflict, ConflictEvent
from conflicts.pairs import turned

RELATED = (
    "changeset__slice__organization",
    "changeset__author",
    "their_changeset__slice__organization",
    "their_changeset__author",
    "their_commit__slice__organization",
    "their_commit__author",
    "assignee",
    "resolved_by",
)
UNSEEN = "another team's work collides here; you may not see whose"
OF_CONFLICT = (
    "path",
    "changeset",
    "kind",
    "severity",
    "state",
    "sides",
    "resolution",
)  # told with each event
SWAPPED = {"ours": "theirs", "theirs": "ours"}


def conflict_bodies(
    conflicts: Sequence[Conflict], reader: Reader, of: int | None = None
) -> list[dict[str, Any]]:
    """Bodies of conflicts with RELATED loaded. `of` is the changeset whose side is `ours`; otherwise it is the reader's
    own, or the one that the reader may see."""
    seen = visible_slices(reader, {pk for conflict in conflicts for pk in _slices(conflict)})
    return [_body(conflict, reader, of, seen) for conflict in conflicts]


def event_bodies(events: Sequence[ConflictEvent], reader: Reader) -> list[dict[str, Any]]:
    """Events that the reader is told of (`told_to`), with `actor` and the conflict's RELATED loaded; `detail` is of both
    sides."""
    conflicts = {event.conflict_id: event.conflict for event in events}
    bodies = {body["id"]: body for body in conflict_bodies(list(conflicts.values()), reader)}
    return [_event_body(event, bodies[event.conflict_id]) for event in events]


def _event_body(event: ConflictEvent, conflict: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": event.pk,
        "conflict": event.conflict_id,
        "action": event.action,
        "actor": event.actor.username if event.actor else None,
        "body": event.body,
        "detail": event.detail if conflict["kind"] else {},
        "time": event.at.isoformat(),
    } | {name: conflict[name] for name in OF_CONFLICT}


def turns(conflict: Conflict, reader: Reader, of: int | None, seen: set[int]) -> bool:
    """Whether the conflict is shown from the side of its `their_changeset`."""
    other = conflict.their_changeset
    if other is None:
        return False
    if of is not None:
        return other.pk == of
    if conflict.changeset.slice_id not in seen:
        return True
    mine = conflict.changeset.author_id == reader.pk
    return other.author_id == reader.pk and not mine and other.slice_id in seen


def _slices(conflict: Conflict) -> set[int]:
    sides = (conflict.changeset, conflict.their_changeset, conflict.their_commit)
    return {side.slice_id for side in sides if side is not None}


def _body(conflict: Conflict, reader: Reader, of: int | None, seen: set[int]) -> dict[str, Any]:
    turn = turns(conflict, reader, of, seen)
    changeset: Changeset = conflict.changeset
    other = conflict.their_changeset
    if turn and other is not None:
        changeset, other = other, changeset
    body = {
        "id": conflict.pk,
        "path": conflict.their_path if turn and conflict.kind == "file_folder" else conflict.path,
        "state": conflict.state,
        "changeset": str(changeset),
        "blocks": conflict.blocks,
        "assignee": conflict.assignee.username if conflict.assignee else None,
        "resolution": conflict.resolution or None,
        "resolved_by": conflict.resolved_by.username if conflict.resolved_by else None,
        "created_at": conflict.created_at.isoformat(),
        "updated_at": conflict.updated_at.isoformat(),
    }
    if other is not None and other.slice_id not in seen:
        return body | _unseen(changeset)
    theirs = None
    if other is not None:
        theirs = changeset_side(other)
    elif conflict.their_commit is not None:
        theirs = commit_side(conflict.their_commit, seen)
    return body | _seen(conflict, changeset, theirs, turn)


def _seen(
    conflict: Conflict, changeset: Changeset, theirs: dict[str, Any] | None, turn: bool
) -> dict[str, Any]:
    hint, advice, hunks = conflict.hint, conflict.advice, conflict.hunks
    ours, other = conflict.ours, conflict.theirs
    if turn:
        hunks = [_turned_hunk(hunk) for hunk in hunks]
        hint, ours, other = turned(hint), other, ours
        mine = sum(len(hunk["ours"]) for hunk in hunks)
        advice = content_advice(conflict.severity, mine) if hunks else turned(advice)
    return {
        "kind": conflict.kind,
        "severity": conflict.severity,
        "hint": sentence(hint, advice, theirs),
        "base": conflict.base,
        "ours": ours,
        "theirs": other,
        "sides": {"ours": changeset_side(changeset), "theirs": theirs},
        "hunks": hunks,
    }


def _unseen(changeset: Changeset) -> dict[str, Any]:
    """That there is a conflict on their path, and nothing else."""
    return {
        "kind": None,
        "severity": None,
        "assignee": None,
        "resolution": None,
        "resolved_by": None,
        "hint": UNSEEN,
        "base": None,
        "ours": None,
        "theirs": None,
        "sides": {"ours": changeset_side(changeset), "theirs": None},
        "hunks": [],
    }


def _turned_hunk(hunk: dict[str, Any]) -> dict[str, Any]:
    swapped = {}
    for name, value in hunk.items():
        side, underscore, rest = name.partition("_")
        swapped[SWAPPED.get(side, side) + underscore + rest] = value
    return swapped
