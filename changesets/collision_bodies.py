"""Collisions as the API shows them, with both sides and a hint that a person can act on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.models import User
from changesets.collisions import LOW, Collision
from changesets.models import Changeset
from gitslice_core.merge import Conflict as Hunk
from slices.entries import entry_body, heads
from slices.models import Commit, Slice

Reader = User | AnonymousUser
UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def collision_bodies(
    changeset: Changeset, collisions: Sequence[Collision], reader: Reader
) -> list[dict[str, Any]]:
    """Collisions of a changeset with what has landed, as `reader` sees them."""
    landed = landed_by(changeset.organization_id, [collision.path for collision in collisions])
    seen = visible_slices(reader, {commit.slice_id for commit in landed.values()})
    return [
        _collision_body(changeset, collision, landed.get(collision.path), seen) for collision in collisions
    ]


def landed_by(organization_id: int, paths: Sequence[str]) -> dict[str, Commit]:
    """The commit that made each path's head."""
    seqs = {path: head.seq for path, head in heads(organization_id, paths).items()}
    commits = Commit.objects.filter(organization_id=organization_id, seq__in=set(seqs.values()))
    by_seq = {commit.seq: commit for commit in commits.select_related("slice__organization", "author")}
    return {path: by_seq[seq] for path, seq in seqs.items()}


def visible_slices(reader: Reader, slice_ids: Collection[int]) -> set[int]:
    """Those of the slices that the reader may see."""
    if not slice_ids:
        return set()
    return set(Slice.objects.visible_to(reader).filter(pk__in=slice_ids).values_list("pk", flat=True))


def _collision_body(
    changeset: Changeset, collision: Collision, commit: Commit | None, seen: set[int]
) -> dict[str, Any]:
    theirs = commit_side(commit, seen) if commit else None
    return {
        "id": None,
        "path": collision.path,
        "kind": collision.kind,
        "severity": collision.severity,
        "state": "open",
        "blocks": collision.severity != LOW,
        "changeset": str(changeset),
        "hint": sentence(collision.hint, collision.advice, theirs),
        "base": entry_body(collision.base),
        "ours": entry_body(collision.ours),
        "theirs": entry_body(collision.theirs),
        "sides": {"ours": changeset_side(changeset), "theirs": theirs},
        "hunks": [
            hunk_body(hunk, name)
            for hunk, name in zip(
                collision.hunks, collision.inside or ("",) * len(collision.hunks), strict=True
            )
        ],
    }


def commit_side(commit: Commit, seen: set[int]) -> dict[str, Any]:
    """Who landed. Its commit is in the log of every slice that covers the path; the slice it came through has a name
    only for who may see that one."""
    return {
        "slice": str(commit.slice) if commit.slice_id in seen else None,
        "author": commit.author.username,
        "commit": bytes(commit.digest).hex(),
        "time": commit.landed_at.isoformat(),
    }


def changeset_side(changeset: Changeset) -> dict[str, Any]:
    """Wants `slice__organization` and `author` loaded."""
    return {
        "slice": str(changeset.slice),
        "author": changeset.author.username,
        "changeset": str(changeset),
        "title": changeset.title,
    }


def sentence(hint: str, advice: str, theirs: dict[str, Any] | None) -> str:
    """What happened; who did it; what to do, or whom to ask."""
    if theirs is None:
        return "; ".join(filter(None, (hint, advice)))
    if "commit" in theirs:
        when = _ago(datetime.fromisoformat(theirs["time"]))
        who = f"{theirs['slice'] or '@' + theirs['author']} landed {when} in {theirs['commit'][:6]}"
    else:
        who = f"{theirs['slice']} has {theirs['changeset']} open"
    advice = f"{advice}, or ask @{theirs['author']}" if advice else f"ask @{theirs['author']}"
    return "; ".join((hint, who, advice))


def hunk_body(hunk: Hunk, inside: str = "") -> dict[str, Any]:
    """A hunk: its lines on the three sides with the number of the first, up to 3 merged lines around it, and the
    function or section that it is in."""
    return {
        "base_start": hunk.base_start,
        "base": _text(hunk.base),
        "ours_start": hunk.ours_start,
        "ours": _text(hunk.ours),
        "theirs_start": hunk.theirs_start,
        "theirs": _text(hunk.theirs),
        "before": _text(hunk.before),
        "after": _text(hunk.after),
        "inside": inside,
    }


def _ago(time: datetime) -> str:
    seconds = (timezone.now() - time).total_seconds()
    for size, unit in UNITS:
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def _text(lines: Sequence[bytes]) -> list[str]:
    return [line.decode(errors="replace").rstrip("\n") for line in lines]
