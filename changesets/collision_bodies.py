"""Collisions as the API shows them, with both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from changesets.collisions import Collision
from changesets.models import Changeset
from gitslice_core.merge import Conflict as Hunk
from slices.entries import entry_body, heads
from slices.models import Commit, Slice


def collision_bodies(
    slice: Slice, changeset: Changeset, collisions: Sequence[Collision]
) -> list[dict[str, Any]]:
    """Collisions as the API shows them, with both sides."""
    landed = landed_by(slice.organization_id, [collision.path for collision in collisions])
    return [
        _collision_body(slice, changeset, collision, landed.get(collision.path)) for collision in collisions
    ]


def landed_by(organization_id: int, paths: Sequence[str]) -> dict[str, Commit]:
    """The commit that made each path's head."""
    seqs = {path: head.seq for path, head in heads(organization_id, paths).items()}
    commits = Commit.objects.filter(organization_id=organization_id, seq__in=set(seqs.values()))
    by_seq = {commit.seq: commit for commit in commits.select_related("slice__organization", "author")}
    return {path: by_seq[seq] for path, seq in seqs.items()}


def _collision_body(
    slice: Slice, changeset: Changeset, collision: Collision, commit: Commit | None
) -> dict[str, Any]:
    theirs = commit and {
        "slice": str(commit.slice),
        "author": commit.author.username,
        "commit": bytes(commit.digest).hex(),
        "time": commit.landed_at.isoformat(),
    }
    ours = {"slice": str(slice), "author": changeset.author.username, "changeset": str(changeset)}
    return {
        "id": None,
        "path": collision.path,
        "kind": collision.kind,
        "severity": collision.severity,
        "state": "open",
        "changeset": str(changeset),
        "hint": collision.hint,
        "base": entry_body(collision.base),
        "ours": entry_body(collision.ours),
        "theirs": entry_body(collision.theirs),
        "sides": {"ours": ours, "theirs": theirs},
        "hunks": [hunk_body(hunk) for hunk in collision.hunks],
    }


def hunk_body(hunk: Hunk) -> dict[str, Any]:
    return {
        "base_start": hunk.base_start,
        "base": _text(hunk.base),
        "ours_start": hunk.ours_start,
        "ours": _text(hunk.ours),
        "theirs_start": hunk.theirs_start,
        "theirs": _text(hunk.theirs),
    }


def _text(lines: Sequence[bytes]) -> list[str]:
    return [line.decode(errors="replace").rstrip("\n") for line in lines]
