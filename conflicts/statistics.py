"""Numbers of an organization by day and by slice, counted from the rows themselves: there is no counter to drift."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from gitslice.common.rows import fetch_rows
from slices.global_state.reading import Sight, slice_rows

LANDINGS = """
SELECT {group}, count(*), sum(done.file_count),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM done.landed_at - changeset.created_at)),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM global.merged_at - done.landed_at))
  FROM slices_commit done
  LEFT JOIN changesets_changeset changeset ON changeset.commit_id = done.id
  LEFT JOIN slices_mergedcommit merged ON merged.organization_id = done.organization_id AND merged.seq = done.seq
  LEFT JOIN slices_globalcommit global ON global.organization_id = done.organization_id AND global.number = merged.number
 WHERE done.organization_id = %s AND done.slice_id = ANY(%s) AND done.landed_at >= %s GROUP BY 1
"""

CONFLICTS = """
SELECT {group}, count(*), count(*) FILTER (WHERE conflict.state = 'resolved') FROM conflicts_conflict conflict
  JOIN changesets_changeset changeset ON changeset.id = conflict.changeset_id
 WHERE conflict.organization_id = %s AND changeset.slice_id = ANY(%s) AND conflict.created_at >= %s
   AND (conflict.their_changeset_id IS NULL OR EXISTS (
        SELECT FROM changesets_changeset other WHERE other.id = conflict.their_changeset_id AND other.slice_id = ANY(%s)))
 GROUP BY 1
"""

MERGES = """
SELECT (merged_at AT TIME ZONE 'UTC')::date, count(*) FROM slices_globalcommit
 WHERE organization_id = %s AND merged_at >= %s GROUP BY 1
"""

DAY = "({column} AT TIME ZONE 'UTC')::date"
LANDED = ("landings", "files", "changeset_seconds", "global_seconds")


def statistics(sight: Sight, days: int) -> dict[str, Any]:
    """What happened in the last `days` days (UTC, today is one of them) in the slices that the reader sees: landings and
    their files, conflicts, global commits; median seconds from changeset to landing, and from landing to the global
    state."""
    since = _since(days)
    merges = dict(fetch_rows(MERGES, [sight.organization.pk, since]))
    landed, collided = _bound(sight, since)
    by_slice = _facts("done.slice_id", "changeset.slice_id", landed, collided)
    ahead = {row["slice"]: row for row in slice_rows(sight)}
    return {
        "organization": sight.organization.slug,
        "since": since.isoformat(),
        "days": [
            day | {"global_commits": merges.get(date.fromisoformat(day["day"]), 0)}
            for day in daily(sight, days)
        ],
        "slices": [
            {"slice": name} | by_slice.get(pk, NOTHING) | {"ahead": ahead.get(name, {}).get("ahead")}
            for pk, name in ((pk, str(slice)) for pk, slice in sight.slices.items())
        ],
    }


def daily(sight: Sight, days: int) -> list[dict[str, Any]]:
    """For each of the last `days` days: `day`, landings and their files, conflicts, medians."""
    since = _since(days)
    landed, collided = _bound(sight, since)
    facts = _facts(
        DAY.format(column="done.landed_at"), DAY.format(column="conflict.created_at"), landed, collided
    )
    return [{"day": day.isoformat()} | facts.get(day, NOTHING) for day in _each_day(since, days)]


def _since(days: int) -> datetime:
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days - 1)


def _bound(sight: Sight, since: datetime) -> tuple[list[Any], list[Any]]:
    ids = list(sight.slices)
    return [sight.organization.pk, ids, since], [sight.organization.pk, ids, since, ids]


NOTHING: dict[str, Any] = (
    dict.fromkeys(LANDED[:2], 0) | dict.fromkeys(LANDED[2:]) | {"conflicts": 0, "resolved": 0}
)


def _facts(
    landed_group: str, collided_group: str, landed: Sequence[Any], collided: Sequence[Any]
) -> dict[Any, dict[str, Any]]:
    facts: dict[Any, dict[str, Any]] = {}
    for key, count, files, *medians in fetch_rows(LANDINGS.format(group=landed_group), landed):
        seconds = [None if median is None else round(float(median), 3) for median in medians]
        facts[key] = NOTHING | dict(zip(LANDED, [count, int(files), *seconds], strict=True))
    for key, count, resolved in fetch_rows(CONFLICTS.format(group=collided_group), collided):
        facts[key] = facts.get(key, NOTHING) | {"conflicts": count, "resolved": resolved}
    return facts


def _each_day(since: datetime, days: int) -> list[Any]:
    return [(since + timedelta(days=day)).date() for day in range(days)]
