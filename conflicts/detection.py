"""Keeps the stored conflicts of a changeset equal to what its patchset meets on the heads now.

Idempotent: it may run twice, late or out of order, and the rows are right after the last run. Landing never depends
on it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction
from django.db.models import F

from changesets.collision_bodies import collision_bodies
from changesets.models import Changeset, Edit
from changesets.plans import make_plan
from conflicts.models import Conflict
from gitslice.common.rows import fetch_row
from slices.models import Commit

CONCERNED = """
SELECT EXISTS (SELECT FROM changesets_edit edit
                 JOIN changesets_changeset changeset ON changeset.patchset_id = edit.patchset_id
                WHERE edit.organization_id = %s AND edit.path = ANY(%s) AND changeset.state = ANY(%s))
    OR EXISTS (SELECT FROM conflicts_conflict WHERE changeset_id = %s AND state = 'open')
"""
SHOWN_FIELDS = ("kind", "severity", "base", "ours", "theirs", "hunks", "hint")


def detect(changeset: Changeset) -> list[Conflict]:
    """Open, update and close the conflict rows of one changeset; gives those that are open now, in path order."""
    if not changeset.is_open and not changeset.conflicts.open().exists():
        return []
    with transaction.atomic():
        changeset = _locked(changeset)
        bodies = _collisions_now(changeset)
        known = {conflict.path: conflict for conflict in changeset.conflicts.open()}
        commits = _their_commits(changeset, bodies)
        rows = [_stored(changeset, body, known.get(body["path"]), commits) for body in bodies]
        gone = known.keys() - {row.path for row in rows}
        changeset.conflicts.open().filter(path__in=gone).update(state=Conflict.State.OBSOLETE)
    return rows


def touched_changesets(organization_id: int, paths: Collection[str]) -> Iterable[int]:
    """Ids of the open changesets whose current patchset edits one of the paths."""
    edits = Edit.objects.filter(organization_id=organization_id, path__in=paths)
    edits = edits.filter(patchset__changeset__state__in=Changeset.OPEN_STATES)
    edits = edits.filter(patchset=F("patchset__changeset__patchset"))
    return edits.values_list("patchset__changeset_id", flat=True).distinct()


def concerns_anyone(organization_id: int, landed_id: int, paths: list[str]) -> bool:
    """Does an open changeset edit one of the paths on which another has landed, or had that one open conflicts itself?
    Most landings concern nobody."""
    row = fetch_row(CONCERNED, [organization_id, paths, list(Changeset.OPEN_STATES), landed_id])
    return row is not None and row[0]


def _locked(changeset: Changeset) -> Changeset:
    rows = Changeset.objects.select_for_update(no_key=True, of=("self",))
    related = ("slice__organization", "slice__definition", "author", "patchset")
    return rows.select_related(*related).get(pk=changeset.pk)


def _collisions_now(changeset: Changeset) -> list[dict[str, Any]]:
    if not changeset.is_open:
        return []
    plan = make_plan(changeset.slice, changeset.current)
    return collision_bodies(changeset.slice, changeset, plan.collisions)


def _their_commits(changeset: Changeset, bodies: list[dict[str, Any]]) -> dict[str, Commit]:
    digests = {body["path"]: body["sides"]["theirs"]["commit"] for body in bodies if body["sides"]["theirs"]}
    commits = Commit.objects.filter(
        organization_id=changeset.organization_id,
        digest__in=[bytes.fromhex(text) for text in digests.values()],
    )
    by_digest = {bytes(commit.digest).hex(): commit for commit in commits}
    return {path: by_digest[digest] for path, digest in digests.items()}


def _stored(
    changeset: Changeset, body: dict[str, Any], known: Conflict | None, commits: dict[str, Commit]
) -> Conflict:
    facts = {name: body[name] for name in SHOWN_FIELDS}
    facts |= {"patchset": changeset.current, "their_commit": commits.get(body["path"])}
    if known is None:
        return Conflict.objects.create(
            organization_id=changeset.organization_id, changeset=changeset, path=body["path"], **facts
        )
    for name, value in facts.items():
        setattr(known, name, value)
    known.save()
    return known
