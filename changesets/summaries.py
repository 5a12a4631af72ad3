"""What a reviewer wants to know before landing: readiness, what is missing, numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from changesets.approvals import approvals_given
from changesets.attention import attention_bodies
from changesets.checks import check_bodies
from changesets.collision_bodies import Reader, collision_bodies
from changesets.models import Changeset
from changesets.reading import add_stats, base_hex, changeset_diffs, readiness
from changesets.requirements import landing_of
from slices.access import Access
from slices.history import head_of


def review_summary(changeset: Changeset, reader: Reader) -> dict[str, Any]:
    state = readiness(changeset)
    landing = landing_of(changeset, Access(changeset.slice, reader), state)
    head = head_of(changeset.slice)
    stats = {"files": 0, "additions": 0, "deletions": 0}
    for diff in changeset_diffs(changeset.current, with_hunks=False):
        stats = add_stats(stats, diff)
    conflicts = collision_bodies(changeset, state.plan.collisions, reader) if state.plan else []
    return {
        "changeset": str(changeset),
        "slice": str(changeset.slice),
        "title": changeset.title,
        "state": changeset.state,
        "readiness": state.verdict,
        "requirements": [asdict(requirement) for requirement in landing.requirements] if landing else [],
        "patchset": changeset.current.number,
        "base": base_hex(changeset.current),
        "head": bytes(head.digest).hex() if head else None,
        "warnings": list(state.warnings),
        "stats": stats,
        "approvals": {
            "given": approvals_given(changeset, changeset.current),
            "required": changeset.slice.required_approvals,
        },
        "checks": check_bodies(changeset.current),
        "attention": attention_bodies(changeset),
        "conflicts": conflicts,
    }
