"""What the pages of one changeset have in common, and what it takes to land it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from changesets.approvals import approvals_given
from changesets.models import Changeset
from changesets.reading import BLOCKING, Readiness, readiness
from slices.access import Access
from slices.models import Slice


@dataclass(frozen=True)
class Requirement:
    """One thing that landing asks for, whether it is met, and what to do if not."""

    met: bool
    title: str
    remedy: str = ""


@dataclass(frozen=True)
class Landing:
    """What stands between an open changeset and its landing, as the reader sees it."""

    state: Readiness
    requirements: list[Requirement]
    can_force: bool

    @property
    def ready(self) -> bool:
        return all(requirement.met for requirement in self.requirements)

    @property
    def missing(self) -> str:
        return "; ".join(
            requirement.remedy or requirement.title
            for requirement in self.requirements
            if not requirement.met
        )


def framed(request: HttpRequest, changeset: Changeset, tab: str, **context: Any) -> dict[str, Any]:
    """The context of a page of the changeset: head, tabs, what the reader may do."""
    return {
        "changeset": changeset,
        "slice": changeset.slice,
        "org": changeset.organization.slug,
        "tab": tab,
        "access": Access(changeset.slice, request.user),
        "is_author": changeset.author_id == request.user.pk,
        "conflicts": list(changeset.conflicts.filter(BLOCKING).order_by("path")[:100]),
    } | context


def landing_of(changeset: Changeset, access: Access) -> Landing | None:
    """None once the changeset is closed."""
    state = readiness(changeset)
    if state.plan is None:
        return None
    requirements = [
        _conflicts(state),
        *_approvals(changeset),
        *_rebase(changeset, state),
        *_lock(changeset.slice),
        *_role(access),
    ]
    forceable = state.verdict in ("needs_approval", "needs_rebase") and not changeset.slice.locked
    return Landing(state, requirements, can_force=forceable and access.can_maintain)


def _conflicts(state: Readiness) -> Requirement:
    assert state.plan is not None
    count = len(state.plan.collisions)
    if not count:
        merged = len(state.plan.merged)
        clean = f"No conflicts; {_files(merged)} will be merged" if merged else "No conflicts"
        return Requirement(True, clean)
    return Requirement(False, f"{_files(count)} in conflict", "resolve the conflicts")


def _approvals(changeset: Changeset) -> list[Requirement]:
    required = changeset.slice.required_approvals
    if not required:
        return []
    given = approvals_given(changeset.current)
    more = "approval" if required - given == 1 else "approvals"
    return [
        Requirement(
            given >= required,
            f"{given} of {required} approvals",
            f"{required - given} more {more} on the current patchset",
        )
    ]


def _rebase(changeset: Changeset, state: Readiness) -> list[Requirement]:
    if changeset.slice.auto_merge != Slice.AutoMerge.OFF:
        return []
    assert state.plan is not None
    stale = bool(state.plan.merged)
    return [Requirement(not stale, "Based on what has landed", "rebase: this slice merges nothing by itself")]


def _lock(slice: Slice) -> list[Requirement]:
    if not slice.locked:
        return []
    return [Requirement(False, f"{slice} is locked", "a maintainer has to unlock the slice")]


def _role(access: Access) -> list[Requirement]:
    if access.can_write:
        return []
    return [Requirement(False, "You may only read this slice", "a writer of the slice has to merge")]


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
