"""Questions about changesets: readiness, and the bodies that API and pages show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from changesets.attention import attention_bodies
from changesets.models import Changeset, Edit, Patchset, Review
from changesets.plans import Plan, load_edits, make_plan
from changesets.policies import Standing, standing_of
from slices.diffs import FilePair, file_diffs
from slices.models import Slice

SHOWN_FILES = 1000
# Conflicts that keep a changeset from landing: open, with what has landed, and not clean.
BLOCKING = Q(state="open", their_changeset=None) & ~Q(severity="low")


@dataclass(frozen=True)
class Readiness:
    """What stands between an open changeset and landing: `verdict`, and why in `warnings`."""

    verdict: str  # ready_for_merge | needs_rebase | has_conflicts | needs_approval | needs_checks | closed
    warnings: tuple[str, ...]
    plan: Plan | None
    standing: Standing | None = None


def readiness(changeset: Changeset) -> Readiness:
    if not changeset.is_open:
        return Readiness("closed", (f"{changeset} is {changeset.state}",), None)
    plan = make_plan(changeset.slice, changeset.current)
    standing = standing_of(changeset, changeset.slice, changeset.current)
    warnings = [f"{path} has landed since the base and merges cleanly" for path in plan.merged[:20]]
    if not plan.collisions and not plan.rebased:
        warnings.append(
            f"nothing is left to land: all that {changeset} changes stands there already; abandon it"
        )
    return Readiness(_verdict(changeset, plan, standing), tuple(warnings), plan, standing)


def _verdict(changeset: Changeset, plan: Plan, standing: Standing) -> str:
    if plan.collisions:
        return "has_conflicts"
    if not plan.rebased or (plan.merged and changeset.slice.auto_merge == Slice.AutoMerge.OFF):
        return "needs_rebase"
    if not standing.approved:
        return "needs_approval"
    return "ready_for_merge" if standing.checked else "needs_checks"


def changeset_body(changeset: Changeset) -> dict[str, Any]:
    """One row of a list. Wants `slice__organization`, `author`, `patchset` and `commit` loaded, and `with_attention`."""
    return {
        "changeset": str(changeset),
        "number": changeset.number,
        "slice": str(changeset.slice),
        "title": changeset.title,
        "state": changeset.state,
        "author": changeset.author.username,
        "created_at": changeset.created_at.isoformat(),
        "updated_at": changeset.updated_at.isoformat(),
        "patchset": changeset.current.number,
        "file_count": changeset.current.file_count,
        "commit": bytes(changeset.commit.digest).hex() if changeset.commit else None,
        "attention": attention_bodies(changeset),
    }


def changeset_detail(changeset: Changeset) -> dict[str, Any]:
    """Everything about one changeset but its diff. At most SHOWN_FILES files are listed."""
    patchsets = list(changeset.patchsets.select_related("base", "author").order_by("number"))
    current = patchsets[-1]
    reviews = Review.objects.filter(changeset=changeset).select_related("reviewer", "patchset")
    return changeset_body(changeset) | {
        "description": changeset.description,
        "patchset": current.number,
        "patchsets": [_patchset_body(patchset) for patchset in patchsets],
        "base": base_hex(current),
        "files": _files(current),
        "file_count": current.file_count,
        "checks": [
            {"name": check.name, "state": check.state, "url": check.url or None}
            for check in current.checks.all()
        ],
        "reviewers": sorted(changeset.reviewers.values_list("username", flat=True)),
        "reviews": [_review_body(review) for review in reviews],
        "closed_reason": changeset.closed_reason,
        "conflicts": changeset.conflicts.filter(BLOCKING).count(),
    }


def changeset_diffs(patchset: Patchset, *, with_hunks: bool = True) -> list[dict[str, Any]]:
    """FILEDIFFs of a patchset against the entries it was made on."""
    return file_diffs(patchset.changeset.organization_id, changeset_pairs(patchset), with_hunks=with_hunks)


def changeset_pairs(patchset: Patchset) -> list[FilePair]:
    """The files of a patchset with what it was made on. A rename is one file, compared with the old path."""
    edits = load_edits(patchset)
    moved_away = {edit.renamed_from for edit in edits if edit.renamed_from}
    bases = {edit.path: edit.base for edit in edits}
    return [
        FilePair(
            path=edit.path,
            op=edit.op,
            renamed_from=edit.renamed_from,
            old=bases.get(edit.renamed_from) if edit.renamed_from else edit.base,
            new=edit.new,
        )
        for edit in edits
        if edit.path not in moved_away
    ]


def add_stats(stats: dict[str, int], diff: dict[str, Any]) -> dict[str, int]:
    return {
        "files": stats["files"] + 1,
        "additions": stats["additions"] + diff["additions"],
        "deletions": stats["deletions"] + diff["deletions"],
    }


def _files(patchset: Patchset) -> list[dict[str, Any]]:
    edits = Edit.objects.filter(patchset=patchset).order_by("path")[: SHOWN_FILES * 2]
    rows = list(edits.values_list("path", "op", "renamed_from"))
    renamed = {old for _, _, old in rows if old}
    files = [{"path": path, "op": op, "renamed_from": old} for path, op, old in rows if path not in renamed]
    return files[:SHOWN_FILES]


def _patchset_body(patchset: Patchset) -> dict[str, Any]:
    return {
        "number": patchset.number,
        "base": base_hex(patchset),
        "author": patchset.author.username,
        "message": patchset.message,
        "origin": patchset.origin,
        "decisions": patchset.decisions,
        "file_count": patchset.file_count,
        "digest": bytes(patchset.digest).hex(),
        "created_at": patchset.created_at.isoformat(),
    }


def _review_body(review: Review) -> dict[str, Any]:
    return {
        "reviewer": review.reviewer.username,
        "verdict": review.verdict,
        "patchset": review.patchset.number,
        "body": review.body,
        "time": review.created_at.isoformat(),
        "withdrawn_at": review.withdrawn_at.isoformat() if review.withdrawn_at else None,
    }


def base_hex(patchset: Patchset) -> str | None:
    return bytes(patchset.base.digest).hex() if patchset.base else None
