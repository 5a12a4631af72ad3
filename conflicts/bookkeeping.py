"""Writes conflict rows, their history and the events that watchers hear. Callers hold the locks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils import timezone

from accounts.events import announce
from accounts.models import User
from changesets.models import Changeset
from conflicts.models import Conflict, ConflictEvent
from gitslice.telemetry.metrics import CONFLICTS_CLOSED, CONFLICTS_OPENED

Action = ConflictEvent.Action
Key = tuple[int | None, int, str]  # their changeset, changeset, path
FACTS = (
    "kind",
    "severity",
    "patchset_id",
    "their_patchset_id",
    "their_path",
    "their_commit_id",
    "base",
    "ours",
    "theirs",
    "hunks",
    "hint",
    "advice",
)
TELLING = (
    "kind",
    "severity",
    "base",
    "ours",
    "theirs",
    "their_commit_id",
)  # a change of these is an update to people


def open_or_update(
    organization_id: int, wanted: Mapping[Key, dict[str, Any]], known: Mapping[Key, Conflict]
) -> list[Conflict]:
    """Rows with these facts, in path order: known ones brought up to date, new ones opened. What people have resolved
    between two open changesets stays resolved while both sides are what they were then."""
    settled = _settled(key for key in wanted if key not in known)
    rows, opened, updated, told = [], [], [], []
    for key, facts in wanted.items():
        row = known.get(key)
        if row is None:
            if _sides(facts) in settled.get(key, ()):
                continue
            row = Conflict(
                organization_id=organization_id, their_changeset_id=key[0], changeset_id=key[1], path=key[2]
            )
            opened.append(row)
            _take(row, facts)
        else:
            before = {name: getattr(row, name) for name in FACTS}
            _take(row, facts)
            changed = {name for name in FACTS if getattr(row, name) != before[name]}
            if changed:
                updated.append(row)
            if changed.intersection(TELLING):
                told.append(row)
        rows.append(row)
    now = timezone.now()
    for row in updated:
        row.updated_at = now
    Conflict.objects.bulk_create(opened, batch_size=1_000)
    Conflict.objects.bulk_update(
        updated, [*(name.removesuffix("_id") for name in FACTS), "updated_at"], batch_size=500
    )
    for row in opened:
        against = "landed" if row.their_changeset_id is None else "open"
        CONFLICTS_OPENED.labels(row.kind, row.severity, against).inc()
    note(opened, Action.OPENED)
    note(told, Action.UPDATED)
    return sorted(rows, key=lambda row: row.path)


def close(rows: Iterable[Conflict]) -> None:
    """The collisions are no more, without anybody having decided them."""
    rows = list(rows)
    Conflict.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=Conflict.State.OBSOLETE, updated_at=timezone.now()
    )
    for row in rows:
        row.state = Conflict.State.OBSOLETE
    CONFLICTS_CLOSED.labels("obsolete").inc(len(rows))
    note(rows, Action.OBSOLETE)


def resolve(row: Conflict, *, actor: User, choice: str, patchset: int, hunks: Sequence[str] = ()) -> None:
    """Somebody has decided; `hunks` says what was chosen at each place."""
    row.state, row.resolution, row.resolved_by = Conflict.State.RESOLVED, choice, actor
    row.save(update_fields=["state", "resolution", "resolved_by", "updated_at"])
    CONFLICTS_CLOSED.labels("resolved").inc()
    detail = {"choice": choice, "patchset": patchset} | ({"hunks": list(hunks)} if hunks else {})
    note([row], Action.RESOLVED, actor=actor, detail=detail)


def note(
    rows: Iterable[Conflict],
    action: str,
    *,
    actor: User | None = None,
    body: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Write the history of these conflicts on, and tell watchers."""
    rows = list(rows)
    ConflictEvent.objects.bulk_create(
        [
            ConflictEvent(
                conflict=row,
                action=action,
                actor=actor,
                body=body,
                detail=detail or {"kind": row.kind, "severity": row.severity},
            )
            for row in rows
        ],
        batch_size=1_000,
    )
    sides = _changesets(rows)
    for row in rows:
        concerned = [sides[pk] for pk in (row.changeset_id, row.their_changeset_id) if pk is not None]
        people = {side.author_id for side in concerned}
        if row.assignee_id is not None:
            people.add(row.assignee_id)
        announce(
            organization_id=row.organization_id,
            kind=f"conflict.{action}",
            slices=[side.slice_id for side in concerned],
            users=people,
            changeset_id=row.changeset_id,
            body={"conflict": row.pk, "state": row.state},
        )


def _changesets(rows: Iterable[Conflict]) -> dict[int, Changeset]:
    ids = {pk for row in rows for pk in (row.changeset_id, row.their_changeset_id) if pk is not None}
    return Changeset.objects.only("slice_id", "author_id").in_bulk(ids)


def _take(row: Conflict, facts: Mapping[str, Any]) -> None:
    for name, value in facts.items():
        setattr(row, name, value)


def _sides(facts: Mapping[str, Any]) -> tuple[Any, Any]:
    return facts["ours"], facts["theirs"]


def _settled(keys: Iterable[Key]) -> dict[Key, list[tuple[Any, Any]]]:
    """What both sides were where people have resolved conflicts of these open changesets."""
    pairs = [key for key in keys if key[0] is not None]
    if not pairs:
        return {}
    rows = Conflict.objects.filter(
        state=Conflict.State.RESOLVED,
        their_changeset__in={key[0] for key in pairs},
        changeset__in={key[1] for key in pairs},
        path__in={key[2] for key in pairs},
    )
    settled: dict[Key, list[tuple[Any, Any]]] = {}
    for row in rows:
        settled.setdefault((row.their_changeset_id, row.changeset_id, row.path), []).append(
            (row.ours, row.theirs)
        )
    return settled
