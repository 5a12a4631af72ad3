"""The index of open edits: which open changesets edit a path, whatever else is open (model OpenEdit)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection

from changesets.edits import PathEdit
from changesets.models import Changeset
from changesets.renames import renames_of
from conflicts.pairs import Side
from gitslice.common.rows import fetch_row, fetch_rows
from slices.entries import entry_of
from slices.locks import folders_of
from slices.models import Slice

EDIT = (
    "edit.path, edit.op, edit.mode, edit.digest, edit.size, edit.base_mode, edit.base_digest, edit.base_size,"
    " edit.renamed_from"
)
# Paths that stand where one of `paths` does, or a folder of it; and those below one of them.
NEAR = """
    SELECT near.* FROM conflicts_openedit near
     WHERE near.organization_id = %(organization)s AND near.path = ANY(%(near)s)
     UNION ALL
    SELECT below.* FROM unnest(%(paths)s::text[]) AS wanted(path)
      JOIN conflicts_openedit below ON below.organization_id = %(organization)s
       AND below.path > wanted.path COLLATE "C" || '/' AND below.path < wanted.path COLLATE "C" || '0'
"""
TOUCHED = f"SELECT DISTINCT changeset_id FROM ({NEAR}) touched ORDER BY changeset_id"
CONCERNED = f"""
SELECT EXISTS ({NEAR})
    OR EXISTS (SELECT FROM conflicts_conflict WHERE changeset_id = %(landed)s AND state = 'open')
    OR EXISTS (SELECT FROM conflicts_conflict WHERE their_changeset_id = %(landed)s AND state = 'open')
    OR EXISTS (SELECT FROM conflicts_openedit WHERE changeset_id = %(landed)s)
"""
OTHERS = f"""
SELECT touched.changeset_id, touched.patchset_id, coalesce(base.seq, 0), {EDIT}
  FROM ({NEAR}) touched
  JOIN changesets_changeset changeset ON changeset.id = touched.changeset_id
   AND changeset.patchset_id = touched.patchset_id AND changeset.state = ANY(%(open)s)
  JOIN changesets_patchset patchset ON patchset.id = touched.patchset_id
  LEFT JOIN slices_commit base ON base.id = patchset.base_id
  JOIN changesets_edit edit ON edit.patchset_id = touched.patchset_id AND edit.path = touched.path
 WHERE touched.changeset_id <> %(changeset)s
"""
NAMES = f"""
SELECT edit.patchset_id, {EDIT} FROM changesets_edit edit
 WHERE edit.patchset_id = ANY(%s) AND (edit.renamed_from IS NOT NULL OR edit.base_mode IS NULL)
"""
FORGET = "DELETE FROM conflicts_openedit WHERE changeset_id = %s AND patchset_id IS DISTINCT FROM %s"
REMEMBER = """
INSERT INTO conflicts_openedit (organization_id, path, changeset_id, patchset_id)
SELECT organization_id, path, %s, patchset_id FROM changesets_edit WHERE patchset_id = %s
    ON CONFLICT (changeset_id, path) DO NOTHING
"""
KNOWN = "SELECT EXISTS (SELECT FROM conflicts_openedit WHERE changeset_id = %s AND patchset_id = %s)"
SEEN = """
UPDATE conflicts_openedit open SET seen_seq = coalesce(
       (SELECT seq FROM unnest(%s::text[], %s::bigint[]) AS head(path, seq) WHERE head.path = open.path), 0)
 WHERE changeset_id = %s
"""
GAPS = """
SELECT changeset.id FROM changesets_changeset changeset
 WHERE changeset.state = ANY(%(open)s) AND NOT EXISTS (
       SELECT FROM conflicts_openedit open WHERE open.changeset_id = changeset.id
          AND open.patchset_id = changeset.patchset_id)
   AND EXISTS (SELECT FROM changesets_edit edit WHERE edit.patchset_id = changeset.patchset_id)
 UNION
SELECT open.changeset_id FROM conflicts_openedit open
  LEFT JOIN slices_pathhead head ON head.organization_id = open.organization_id AND head.path = open.path
  JOIN changesets_changeset changeset ON changeset.id = open.changeset_id
 WHERE open.seen_seq IS DISTINCT FROM coalesce(head.seq, 0) OR changeset.state <> ALL(%(open)s)
 UNION
SELECT conflict.changeset_id FROM conflicts_conflict conflict
  JOIN changesets_changeset ours ON ours.id = conflict.changeset_id
  LEFT JOIN changesets_changeset theirs ON theirs.id = conflict.their_changeset_id
 WHERE conflict.state = 'open'
   AND (ours.state <> ALL(%(open)s) OR theirs.state <> ALL(%(open)s)
        OR (theirs.id IS NOT NULL AND (conflict.patchset_id <> ours.patchset_id
                                       OR conflict.their_patchset_id <> theirs.patchset_id)))
 ORDER BY 1
"""


@dataclass
class Other:
    """Another open changeset, with its edits that are near ours."""

    changeset_id: int
    patchset_id: int
    base_seq: int
    edits: dict[str, PathEdit] = field(default_factory=dict)
    renames: dict[str, PathEdit] = field(default_factory=dict)

    @property
    def side(self) -> Side:
        return Side(self.base_seq, self.edits, self.renames)


def remember(changeset: Changeset) -> None:
    """Bring the index up to the changeset's current patchset; a closed one leaves it."""
    patchset_id = changeset.patchset_id if changeset.is_open else None
    with connection.cursor() as cursor:
        cursor.execute(FORGET, [changeset.pk, patchset_id])
        if patchset_id is None:
            return
        cursor.execute(KNOWN, [changeset.pk, patchset_id])
        if not cursor.fetchone()[0]:
            cursor.execute(REMEMBER, [changeset.pk, patchset_id])


def mark_compared(changeset_id: int, seen: dict[str, int]) -> None:
    """Note the seq of the path heads that the changeset was compared with (paths without a head are left out)."""
    with connection.cursor() as cursor:
        cursor.execute(SEEN, [list(seen), list(seen.values()), changeset_id])


def others_near(changeset: Changeset, edits: Sequence[PathEdit]) -> list[Other]:
    """Other open changesets that edit one of these paths, a folder of one, or something below one, by id."""
    parameters = _near(changeset.organization_id, [edit.path for edit in edits])
    parameters |= {"changeset": changeset.pk, "open": list(Changeset.OPEN_STATES)}
    others: dict[int, Other] = {}
    for changeset_id, patchset_id, base_seq, *columns in fetch_rows(OTHERS, parameters):
        other = others.setdefault(changeset_id, Other(changeset_id, patchset_id, base_seq))
        edit = _edit(columns)
        other.edits[edit.path] = edit
    _load_renames(changeset.organization_id, others.values())
    return [others[pk] for pk in sorted(others)]


def touched_changesets(organization_id: int, paths: Collection[str]) -> list[int]:
    """Ids of the open changesets that edit one of the paths, a folder of one, or something below one."""
    return [pk for (pk,) in fetch_rows(TOUCHED, _near(organization_id, paths))]


def concerns_anyone(organization_id: int, landed_id: int, paths: Collection[str]) -> bool:
    """Does an open changeset edit near the paths on which another has landed, or is that one known here itself? Most
    landings concern nobody."""
    row = fetch_row(CONCERNED, _near(organization_id, paths) | {"landed": landed_id})
    return row is not None and row[0]


def gaps() -> list[int]:
    """Ids of changesets that lost messages have left behind: whose current patchset, or whose path heads, were never
    compared, or which are closed and still indexed or in conflict."""
    return [pk for (pk,) in fetch_rows(GAPS, {"open": list(Changeset.OPEN_STATES)})]


def gaps_of(organization_id: int) -> list[int]:
    """The same of one organization."""
    return list(
        Changeset.objects.filter(organization=organization_id, pk__in=gaps()).values_list("pk", flat=True)
    )


def waiting_for_global_state(organization_id: int) -> list[int]:
    """Ids of open changesets in conflict whose slices' policy asks what the global state has."""
    held = Changeset.objects.open().filter(
        organization=organization_id,
        slice__conflict_policy=Slice.ConflictPolicy.FILE,
        conflicts__state="open",
        conflicts__their_changeset=None,
    )
    return list(held.values_list("pk", flat=True).distinct())


def _near(organization_id: int, paths: Collection[str]) -> dict[str, Any]:
    return {
        "organization": organization_id,
        "paths": list(paths),
        "near": list({*paths, *folders_of(paths)}),
    }


def _load_renames(organization_id: int, others: Iterable[Other]) -> None:
    """What became of files that the others delete: they may have renamed them to paths that are not near ours."""
    deleting = {
        other.patchset_id: other for other in others if any(e.new is None for e in other.edits.values())
    }
    if not deleting:
        return
    came: dict[int, list[PathEdit]] = {}
    for patchset_id, *columns in fetch_rows(NAMES, [list(deleting)]):
        came.setdefault(patchset_id, []).append(_edit(columns))
    for patchset_id, other in deleting.items():
        gone = [edit for edit in other.edits.values() if edit.new is None]
        other.renames = renames_of(
            organization_id, gone + came.get(patchset_id, []), settings.GITSLICE_MAX_MERGE_BYTES
        )


def _edit(columns: Sequence[Any]) -> PathEdit:
    path, op, mode, digest, size, base_mode, base_digest, base_size, renamed_from = columns
    return PathEdit(
        path, op, entry_of(base_mode, base_digest, base_size), entry_of(mode, digest, size), renamed_from
    )
