"""Pictures of an organization: which slices meet, what covers the tree, what landed and collided when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.utils import timezone

from conflicts.statistics import daily
from gitslice.common.rows import fetch_rows
from slices.coverage_map import Sharing, shared_files, sharing
from slices.global_state.reading import Sight
from slices.models import Slice

MOST_SLICES = 20  # of the picture of slices that meet
DAYS = 30
WEEKS = 26
CONFLICT_DAYS = 90

COLLIDED = """
SELECT least(one, other), greatest(one, other), count(*) FROM (
    SELECT changeset.slice_id AS one, coalesce(theirs.slice_id, done.slice_id) AS other
      FROM conflicts_conflict conflict
      JOIN changesets_changeset changeset ON changeset.id = conflict.changeset_id
      LEFT JOIN changesets_changeset theirs ON theirs.id = conflict.their_changeset_id
      LEFT JOIN slices_commit done ON done.id = conflict.their_commit_id
     WHERE conflict.organization_id = %s AND conflict.created_at >= %s AND changeset.slice_id = ANY(%s)) collision
 WHERE other = ANY(%s) AND one <> other GROUP BY 1, 2
"""


class Pair(NamedTuple):
    """Two slices, the files that both cover, and the conflicts of the last 90 days between them."""

    one: Slice
    other: Slice
    files: int
    conflicts: int


@dataclass(frozen=True)
class Meetings:
    """The slices that meet others most, with their files; the pairs of them that meet; how many slices were left out."""

    slices: list[tuple[Slice, Sharing]]
    pairs: list[Pair]
    left_out: int


def meetings(sight: Sight) -> Meetings:
    """Who shares files with whom, and who collided. Four questions, whatever the number of slices."""
    sizes = sharing(sight)
    collided = _collided(sight)
    conflicts: dict[int, int] = {}
    for pair, count in collided.items():
        for pk in pair:
            conflicts[pk] = conflicts.get(pk, 0) + count
    meeting = [pk for pk in sight.slices if conflicts.get(pk) or (pk in sizes and sizes[pk].shared)]
    meeting.sort(
        key=lambda pk: (-conflicts.get(pk, 0), -sizes.get(pk, NOTHING).shared, sight.slices[pk].name)
    )
    chosen = sorted(meeting[:MOST_SLICES], key=lambda pk: sight.slices[pk].name)
    shared = shared_files(sight, chosen)
    pairs = [
        Pair(
            sight.slices[one], sight.slices[other], shared.get((one, other), 0), collided.get((one, other), 0)
        )
        for one, other in _pairs(shared.keys() | collided.keys(), chosen)
    ]
    pairs.sort(key=lambda pair: (-pair.conflicts, -pair.files, pair.one.name, pair.other.name))
    rows = [(sight.slices[pk], sizes.get(pk, NOTHING)) for pk in chosen]
    return Meetings(rows, pairs, max(len(meeting) - MOST_SLICES, 0))


NOTHING = Sharing(0, 0)


class Period(NamedTuple):
    """A day, or a week from Monday on, in UTC."""

    start: date
    landings: int
    conflicts: int


def activity(sight: Sight, *, by_week: bool) -> list[Period]:
    """Landings, and conflicts that were found, of the last 30 days or 26 weeks; the oldest first."""
    if not by_week:
        return [
            Period(date.fromisoformat(day["day"]), day["landings"], day["conflicts"])
            for day in daily(sight, DAYS)
        ]
    today = timezone.now().date()
    weeks: dict[date, list[int]] = {}
    for day in daily(sight, 7 * (WEEKS - 1) + today.isoweekday()):
        at = date.fromisoformat(day["day"])
        week = weeks.setdefault(at - timedelta(days=at.weekday()), [0, 0])
        week[0] += day["landings"]
        week[1] += day["conflicts"]
    return [Period(start, *counts) for start, counts in weeks.items()]


def _collided(sight: Sight) -> dict[tuple[int, int], int]:
    seen = [pk for pk, slice in sight.slices.items() if not slice.is_root]
    since = timezone.now() - timedelta(days=CONFLICT_DAYS)
    rows = fetch_rows(COLLIDED, [sight.organization.pk, since, seen, seen])
    return {(one, other): count for one, other, count in rows}


def _pairs(pairs: Collection[tuple[int, int]], chosen: Collection[int]) -> list[Any]:
    return [(one, other) for one, other in pairs if one in chosen and other in chosen]
