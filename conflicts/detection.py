"""Keeps the stored conflicts of a changeset equal to what its patchset meets now: on the heads, and in other open
changesets.

Idempotent: it may run twice, late or out of order, and the rows are right after the last run. Everything is compared
outside any lock; the rows are written under the locks of the changesets concerned, if their patchsets are still those
that were compared, else all is compared anew. Landing never depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db import transaction

from changesets.collision_bodies import hunk_body, landed_by
from changesets.collisions import CONTENT, LOW, Collision
from changesets.edits import PathEdit
from changesets.models import Changeset
from changesets.plans import Plan, make_plan
from changesets.renames import renames_of
from conflicts.bookkeeping import close, open_or_update
from conflicts.models import Conflict
from conflicts.open_edits import Other, mark_compared, others_near, remember
from conflicts.pairs import Met, Side, meetings
from gitslice.common.errors import ServerBusy
from gitslice.objects.services import read_blobs
from slices.entries import entry_body

ATTEMPTS = 5
MOST_IN_PAIR = 2_000  # conflicts that are stored of two changesets
KEPT_BYTES = 64 << 20  # contents kept in memory while comparing

Facts = dict[str, Any]
Key = tuple[int | None, int, str]  # their changeset, changeset, path


@dataclass(frozen=True)
class _Compared:
    """What was found, and what it was found with."""

    patchsets: dict[int, int | None]  # changeset -> the patchset that was compared; None: closed
    wanted: dict[Key, Facts]
    seen: dict[str, int]  # path -> seq of its head


class _Moved(Exception):
    """A changeset is no longer what was compared."""


def detect(changeset: Changeset, *, pairs: bool = True) -> list[Conflict]:
    """Open, update and close the conflict rows of one changeset; gives those with what landed that are open now, in path
    order. `pairs=False` leaves conflicts with other open changesets alone: a landing of somebody else changes none.

    Raises ServerBusy if the changesets change faster than they are compared.
    """
    for _ in range(ATTEMPTS):
        changeset = _remembered(changeset.pk)
        compared = _compare(changeset, pairs)
        try:
            return _write(changeset, compared, pairs)
        except _Moved:
            continue
    raise ServerBusy(f"{changeset} keeps changing while its conflicts are looked for")


@transaction.atomic
def _remembered(changeset_id: int) -> Changeset:
    """The changeset as it is, in the index of open edits: committed before anything is looked up there, so that of two
    that come at once at least one sees the other."""
    # Locked first and read then: one statement that had to wait would join the patchset of before, which is none of it.
    Changeset.objects.select_for_update(no_key=True).get(pk=changeset_id)
    related = ("slice__organization", "slice__definition", "author", "patchset__base")
    changeset = Changeset.objects.select_related(*related).get(pk=changeset_id)
    remember(changeset)
    return changeset


def _compare(changeset: Changeset, pairs: bool) -> _Compared:
    if not changeset.is_open:
        return _Compared({changeset.pk: None}, {}, {})
    plan = make_plan(changeset.slice, changeset.current)
    compared = _Compared(
        {changeset.pk: changeset.patchset_id},
        _with_landed(changeset, plan),
        {path: head.seq for path, head in plan.seen.items()},
    )
    if pairs:
        base = changeset.current.base
        renames = renames_of(changeset.organization_id, plan.edits, settings.GITSLICE_MAX_MERGE_BYTES)
        side = Side(base.seq if base else 0, {edit.path: edit for edit in plan.edits}, renames)
        read = _Contents(changeset.organization_id)
        for other in others_near(changeset, plan.edits):
            compared.patchsets[other.changeset_id] = other.patchset_id
            compared.wanted.update(_with_open(changeset, side, other, read))
    return compared


def _with_landed(changeset: Changeset, plan: Plan) -> dict[Key, Facts]:
    """Collisions that keep it from landing, and paths that moved and merge cleanly."""
    edits = {edit.path: edit for edit in plan.edits}
    collisions = {path: _merged(plan, edits[path]) for path in plan.merged}
    collisions |= {collision.path: collision for collision in plan.collisions}
    commits = landed_by(changeset.organization_id, list(collisions))
    return {
        (None, changeset.pk, path): _facts(collision)
        | {"patchset_id": changeset.patchset_id, "their_commit": commits.get(path)}
        for path, collision in sorted(collisions.items())
    }


def _merged(plan: Plan, edit: PathEdit) -> Collision:
    theirs = plan.seen[edit.path].entry if edit.path in plan.seen else None
    hint = "they landed the same" if theirs == edit.new else "they landed on this file, and it merges cleanly"
    return Collision(edit.path, CONTENT, LOW, edit.base, edit.new, theirs, hint, "nothing needs to be done")


def _with_open(
    changeset: Changeset, side: Side, other: Other, read: _Contents
) -> Iterator[tuple[Key, Facts]]:
    """Collisions with another open changeset. The one with the smaller id is `ours`, whoever is looked at."""
    sides = [
        (changeset.pk, changeset.patchset_id, side),
        (other.changeset_id, other.patchset_id, other.side),
    ]
    (our_id, our_patchset, ours), (their_id, their_patchset, theirs) = sorted(sides, key=itemgetter(0))
    found: dict[str, Met] = {}
    for met in islice(meetings(ours, theirs, read, settings.GITSLICE_MAX_MERGE_BYTES), MOST_IN_PAIR):
        found.setdefault(met.collision.path, met)
    for path, met in found.items():
        facts = _facts(met.collision) | {"their_path": met.their_path}
        facts |= {"patchset_id": our_patchset, "their_patchset_id": their_patchset}
        yield (their_id, our_id, path), facts


def _facts(collision: Collision) -> Facts:
    inside = collision.inside or ("",) * len(collision.hunks)
    hunks = [hunk_body(hunk, name) for hunk, name in zip(collision.hunks, inside, strict=True)]
    return {
        "kind": collision.kind,
        "severity": collision.severity,
        "base": entry_body(collision.base),
        "ours": entry_body(collision.ours),
        "theirs": entry_body(collision.theirs),
        "hint": collision.hint,
        "advice": collision.advice,
        "hunks": hunks,
    }


@transaction.atomic
def _write(changeset: Changeset, compared: _Compared, pairs: bool) -> list[Conflict]:
    now = _locked(compared.patchsets)
    if any(now[pk] != patchset for pk, patchset in compared.patchsets.items()):
        raise _Moved
    rows = Conflict.objects.open().of_changeset(changeset.pk)
    if not pairs and changeset.is_open:
        rows = rows.with_landed()
    known: dict[Key, Conflict] = {(row.their_changeset_id, row.changeset_id, row.path): row for row in rows}
    opened = open_or_update(changeset.organization_id, compared.wanted, known)
    close([row for key, row in known.items() if key not in compared.wanted])
    mark_compared(changeset.pk, compared.seen)
    return [row for row in opened if row.their_changeset_id is None]


def _locked(patchsets: dict[int, int | None]) -> dict[int, int | None]:
    """Lock the changesets in id order; the current patchset of each, None where it is closed."""
    rows = Changeset.objects.select_for_update(no_key=True).filter(pk__in=patchsets).order_by("pk")
    return {row.pk: row.patchset_id if row.is_open else None for row in rows}


class _Contents:
    """Reads blobs of an organization, each once as long as they are not too many."""

    def __init__(self, organization_id: int) -> None:
        self.organization_id = organization_id
        self.kept: dict[bytes, bytes] = {}
        self.bytes = 0

    def __call__(self, digest: bytes) -> bytes:
        content = self.kept.get(digest)
        if content is None:
            content = read_blobs(self.organization_id, [digest])[digest]
            if self.bytes + len(content) > KEPT_BYTES:
                self.kept.clear()
                self.bytes = 0
            self.kept[digest] = content
            self.bytes += len(content)
        return content
