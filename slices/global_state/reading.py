"""The global state as the API and pages show it. Who does not see everything is told only of what they see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from accounts.models import Organization, User
from gitslice.common.rows import fetch_row, fetch_rows
from slices.global_state.batches import Batch
from slices.global_state.pending import global_head, landed_in, waiting_commits
from slices.global_state.recomputing import members
from slices.models import ROOT, Commit, GlobalCommit, GlobalState, GlobalTag, Slice

NEWEST_SEQ = "SELECT coalesce(max(seq), 0) FROM slices_commit WHERE organization_id = %s"

AHEAD = "SELECT slice_id, count(*) FROM slices_slicelog WHERE slice_id = ANY(%s) AND seq = ANY(%s) GROUP BY slice_id"

LAST_MERGED = """
SELECT slice.id, global.number, global.merged_at FROM unnest(%s::bigint[]) AS slice(id)
 CROSS JOIN LATERAL (
    SELECT merged.number FROM slices_slicelog log
      JOIN slices_mergedcommit merged ON merged.organization_id = %s AND merged.seq = log.seq
     WHERE log.slice_id = slice.id ORDER BY log.seq DESC LIMIT 1) newest
  JOIN slices_globalcommit global ON global.organization_id = %s AND global.number = newest.number
"""

SLICE_LOG = "SELECT seq FROM slices_slicelog WHERE slice_id = %s"
ROOT_LOG = "SELECT seq FROM slices_commit WHERE organization_id = %s"
STANDING = """
WITH state AS (
    SELECT coalesce(max(head.floor), 0) AS floor FROM slices_globalstate state
      JOIN slices_globalcommit head ON head.id = state.head_id WHERE state.organization_id = %s)
SELECT (SELECT count(*) FROM ({log}) log, state WHERE log.seq > state.floor AND NOT EXISTS (
          SELECT FROM slices_mergedcommit merged WHERE merged.organization_id = %s AND merged.seq = log.seq)),
       newest.number, newest.merged_at
  FROM state LEFT JOIN LATERAL (
    SELECT global.number, global.merged_at FROM ({log}) log
      JOIN slices_mergedcommit merged ON merged.seq = log.seq
      JOIN slices_globalcommit global ON global.organization_id = merged.organization_id AND global.number = merged.number
     WHERE merged.organization_id = %s ORDER BY log.seq DESC LIMIT 1) newest ON TRUE
"""

SEEN_COMMITS = """
SELECT merged.number, count(DISTINCT merged.seq) FROM slices_mergedcommit merged
  JOIN slices_slicelog log ON log.seq = merged.seq AND log.slice_id = ANY(%s)
 WHERE merged.organization_id = %s AND merged.number = ANY(%s) GROUP BY merged.number
"""

AUTHORING = """
SELECT merged.number, done.slice_id, count(*) FROM slices_mergedcommit merged
  JOIN slices_commit done ON done.organization_id = merged.organization_id AND done.seq = merged.seq
 WHERE merged.organization_id = %s AND merged.number = ANY(%s) AND done.slice_id = ANY(%s)
 GROUP BY merged.number, done.slice_id
"""


class Sight:
    """What a reader sees of an organization: some slices, or everything."""

    def __init__(self, reader: User, organization: Organization) -> None:
        self.organization = organization
        self.slices = {
            slice.pk: slice
            for slice in Slice.objects.visible_to(reader)
            .filter(organization=organization)
            .select_related("organization")
            .order_by("name")
        }
        self.all = any(slice.name == ROOT for slice in self.slices.values())

    def of(self, seqs: Collection[int]) -> set[int]:
        """Those of the commits that the reader sees in one of the slices."""
        return set(seqs) if self.all else landed_in(list(self.slices.values()), seqs)


def status_body(sight: Sight) -> dict[str, Any]:
    """The newest global commit, what waits, which slices are ahead of it, and what keeps it from going on."""
    organization = sight.organization
    head = global_head(organization.pk)
    waiting = sight.of(_waiting(organization.pk, head))
    state = GlobalState.objects.filter(pk=organization.pk).first()
    return {
        "organization": organization.slug,
        "commit": head.hex if head else None,
        "number": head.number if head else 0,
        "name": str(head) if head else None,
        "time": head.merged_at.isoformat() if head else None,
        "tree": bytes(head.tree).hex() if head and sight.all else None,
        "tags": _tags([head])[head.pk] if head else [],
        "pending_commits": len(waiting),
        "slices": [row for row in slice_rows(sight, waiting=waiting) if row["ahead"]],
        "problem": _problem(state, sight),
    }


def slice_rows(sight: Sight, waiting: Collection[int] | None = None) -> list[dict[str, Any]]:
    """How far each slice is ahead of the global state, and when it was last merged; those furthest ahead first."""
    organization_id = sight.organization.pk
    if waiting is None:
        waiting = sight.of(_waiting(organization_id, global_head(organization_id)))
    listed = [slice for slice in sight.slices.values() if not slice.is_root]
    ids = [slice.pk for slice in listed]
    ahead = dict(fetch_rows(AHEAD, [ids, list(waiting)]))
    merged = {
        pk: (number, at)
        for pk, number, at in fetch_rows(LAST_MERGED, [ids, organization_id, organization_id])
    }
    rows = [
        _slice_row(slice, ahead.get(slice.pk, 0), *merged.get(slice.pk, (None, None))) for slice in listed
    ]
    return sorted(rows, key=lambda row: (-row["ahead"], row["slice"]))


def pending_seqs(sight: Sight, after: int) -> list[int]:
    """The commits that wait and landed after seq `after`, in landing order."""
    organization_id = sight.organization.pk
    waiting = sight.of(_waiting(organization_id, global_head(organization_id)))
    return sorted(seq for seq in waiting if seq > after)


def slice_standing(slice: Slice) -> dict[str, Any]:
    """How far one slice is ahead of the global state, and when it was last merged. One question."""
    log = ROOT_LOG if slice.is_root else SLICE_LOG
    log_of = slice.organization_id if slice.is_root else slice.pk
    organization_id = slice.organization_id
    row = fetch_row(
        STANDING.format(log=log), [organization_id, log_of, organization_id, log_of, organization_id]
    )
    ahead, number, at = row or (0, None, None)
    return {"ahead": ahead, "last_merged": {"number": number, "time": at.isoformat()} if number else None}


def global_rows(sight: Sight, commits: Sequence[GlobalCommit]) -> list[dict[str, Any]]:
    """Rows of the history; wants author and parent loaded."""
    numbers = [commit.number for commit in commits]
    organization_id = sight.organization.pk
    slices: dict[int, dict[str, int]] = defaultdict(dict)
    for number, pk, count in fetch_rows(AUTHORING, [organization_id, numbers, list(sight.slices)]):
        slices[number][str(sight.slices[pk])] = count
    seen = {} if sight.all else dict(fetch_rows(SEEN_COMMITS, [list(sight.slices), organization_id, numbers]))
    tags = _tags(commits)
    return [
        {
            "number": commit.number,
            "name": str(commit),
            "commit": commit.hex,
            "parent": commit.parent.hex if commit.parent else None,
            "tree": bytes(commit.tree).hex() if sight.all else None,
            "salt": bytes(commit.salt).hex() if sight.all else None,
            "time": commit.merged_at.isoformat(),
            "author": commit.author.username if commit.author else None,
            "commits": commit.commit_count if sight.all else seen.get(commit.number, 0),
            "files": commit.path_count if sight.all else None,
            "slices": dict(sorted(slices[commit.number].items())),
            "tags": tags[commit.pk],
        }
        for commit in commits
    ]


def global_detail(sight: Sight, commit: GlobalCommit) -> dict[str, Any]:
    """One global commit with the landed commits in it."""
    [row] = global_rows(sight, [commit])
    return row | {"merged": landed_rows(sight, members(commit))}


def landed_rows(sight: Sight, seqs: Collection[int], pulled_in: Collection[int] = ()) -> list[dict[str, Any]]:
    """The landed commits of a batch, in landing order, as far as the reader sees them."""
    commits = Commit.objects.filter(organization=sight.organization, seq__in=sight.of(seqs))
    return [
        {
            "commit": commit.hex,
            "author": commit.author.username,
            "time": commit.landed_at.isoformat(),
            "message": commit.message,
            "slice": str(sight.slices[commit.slice_id]) if commit.slice_id in sight.slices else None,
            "files": commit.file_count if commit.slice_id in sight.slices else None,
            "pulled_in": commit.seq in pulled_in,
        }
        for commit in commits.select_related("author").order_by("seq")
    ]


def batch_body(sight: Sight, batch: Batch | None, merged: GlobalCommit | None) -> dict[str, Any]:
    """What a batch merge did (`merged`), or would do. None of both: nothing that was asked for waits."""
    if batch is None:
        head = global_head(sight.organization.pk)
        number, commit, tree = (head.number, head.hex, bytes(head.tree).hex()) if head else (0, None, None)
        left = len(pending_seqs(sight, 0))
        facts: dict[str, Any] = {"files": 0, "pending_commits": left, "commits": [], "time": None}
    else:
        number, commit, tree = batch.number, merged.hex if merged else None, batch.tree.hex()
        facts = {
            "files": batch.path_count,
            "pending_commits": batch.left,
            "commits": landed_rows(sight, batch.seqs, batch.pulled_in),
            "time": merged.merged_at.isoformat() if merged else None,
        }
    slices = sorted({row["slice"] for row in facts["commits"] if row["slice"]})
    counted = {"merged_commits": len(batch.seqs) if batch else 0, "slices": slices}
    return {"commit": commit, "number": number, "tree": tree} | counted | facts


def tag_bodies(tags: Iterable[GlobalTag]) -> list[dict[str, Any]]:
    """Wants target and author loaded."""
    return [
        {
            "tag": tag.name,
            "number": tag.target.number,
            "commit": tag.target.hex,
            "message": tag.message,
            "author": tag.author.username,
            "time": tag.created_at.isoformat(),
        }
        for tag in tags
    ]


def _waiting(organization_id: int, head: GlobalCommit | None) -> dict[int, int]:
    [(newest,)] = fetch_rows(NEWEST_SEQ, [organization_id])
    return waiting_commits(organization_id, head, newest)


def _problem(state: GlobalState | None, sight: Sight) -> dict[str, Any] | None:
    """Paths are told to who sees everything."""
    if state is None or state.problem is None or state.problem_at is None:
        return None
    told = state.problem if sight.all else {"message": "the global state cannot go on"}
    return told | {"since": state.problem_at.isoformat()}


def _slice_row(slice: Slice, ahead: int, number: int | None, at: Any) -> dict[str, Any]:
    merged = {"number": number, "time": at.isoformat()} if number else None
    return {"slice": str(slice), "ahead": ahead, "last_merged": merged}


def _tags(commits: Sequence[GlobalCommit]) -> dict[int, list[str]]:
    names: dict[int, list[str]] = {commit.pk: [] for commit in commits}
    for tag in GlobalTag.objects.filter(target__in=commits).order_by("created_at", "name"):
        names[tag.target_id].append(tag.name)
    return names
