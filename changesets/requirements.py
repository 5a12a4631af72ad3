"""What it takes to land a changeset, one line each: met or not, and what to do next. For pages, the API and `gs`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from changesets.models import Changeset, Check
from changesets.policies import Standing, seen_names
from changesets.reading import Readiness, readiness
from slices.access import Access
from slices.models import Slice


@dataclass(frozen=True)
class Requirement:
    """One thing that landing asks for, whether it is met, and what to do if not. `code` is stable."""

    code: str  # conflicts | approvals | owners | check | base | unlocked | role
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


def landing_of(changeset: Changeset, access: Access, state: Readiness | None = None) -> Landing | None:
    """None once the changeset is closed."""
    state = state or readiness(changeset)
    if state.plan is None or state.standing is None:
        return None
    requirements = [
        _conflicts(state),
        *_approvals(state.standing),
        *_owners(state.standing, access.user),
        *_checks(state.standing),
        *_rebase(changeset, state),
        *_lock(changeset.slice),
        *_role(access),
    ]
    forceable = state.verdict in ("needs_approval", "needs_checks", "needs_rebase")
    return Landing(
        state, requirements, can_force=forceable and not changeset.slice.locked and access.can_maintain
    )


def _conflicts(state: Readiness) -> Requirement:
    assert state.plan is not None
    count = len(state.plan.collisions)
    if count:
        return Requirement("conflicts", False, f"{_files(count)} in conflict", "resolve the conflicts")
    if not state.plan.rebased:
        return Requirement("conflicts", False, "Nothing is left to land", "abandon it")
    merged = len(state.plan.merged)
    clean = f"No conflicts; {_files(merged)} will be merged" if merged else "No conflicts"
    return Requirement("conflicts", True, clean)


def _approvals(standing: Standing) -> Iterator[Requirement]:
    if standing.required:
        missing = standing.required - standing.given
        more = "approval" if missing == 1 else "approvals"
        yield Requirement(
            "approvals",
            missing <= 0,
            f"{standing.given} of {standing.required} approvals",
            f"{missing} more {more} on the current patchset, by people who may write to the slice",
        )


def _owners(standing: Standing, reader: User | AnonymousUser) -> Iterator[Requirement]:
    """A line for every overlapping slice that the reader sees; one for all others, so that nothing can be counted."""
    names = seen_names(standing.owners, reader)
    for pk, name in sorted(names.items(), key=lambda item: item[1]):
        met = standing.owners[pk]
        yield Requirement("owners", met, f"An owner of {name} approves", f"ask an owner of {name} to approve")
    unseen = [met for pk, met in standing.owners.items() if pk not in names]
    if unseen:
        yield Requirement(
            "owners",
            all(unseen),
            "Owners of another slice that you may not see approve",
            "ask an owner or admin of the organization whom to ask",
        )


def _checks(standing: Standing) -> Iterator[Requirement]:
    remedies: dict[str | None, str] = {
        None: "the check {} has not been reported for the current patchset",
        Check.State.PENDING: "wait for the check {}",
        Check.State.FAILURE: "the check {} failed: mend what it found and upload a new patchset, or run it again",
    }
    for name, state in standing.checks.items():
        met = state == Check.State.SUCCESS
        yield Requirement("check", met, f"Check {name}", "" if met else remedies[state].format(name))


def _rebase(changeset: Changeset, state: Readiness) -> Iterator[Requirement]:
    if changeset.slice.auto_merge == Slice.AutoMerge.OFF:
        assert state.plan is not None
        remedy = "rebase: this slice merges nothing by itself"
        yield Requirement("base", not state.plan.merged, "Based on what has landed", remedy)


def _lock(slice: Slice) -> Iterator[Requirement]:
    if slice.locked:
        yield Requirement("unlocked", False, f"{slice} is locked", "a maintainer has to unlock the slice")


def _role(access: Access) -> Iterator[Requirement]:
    if not access.can_write:
        yield Requirement("role", False, "You may only read this slice", "a writer of the slice has to merge")


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
