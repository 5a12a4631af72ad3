"""Landing: a patchset becomes a commit. The rule that everything rests on (docs/architecture.md, "Landing").

Outside any lock a plan is made; under the locks it is checked against what holds then. If a head has moved in
between, everything rolls back and is planned anew, at most `ATTEMPTS` times.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from django.db import OperationalError, transaction

from accounts.models import User
from changesets.collision_bodies import collision_bodies
from changesets.errors import (
    InvalidEdit,
    MergeConflict,
    OutdatedBase,
    OutsideSlice,
    StalePatchset,
    closed,
)
from changesets.feed import tell_watchers
from changesets.models import Changeset, Patchset
from changesets.plans import Plan, make_plan, store_contents
from changesets.policies import require_policies, standing_of
from changesets.rows import lock_changeset, mark_merged
from changesets.signals import changeset_changed, paths_landed
from gitslice.common.audit import record
from gitslice.common.errors import DomainError, ServerBusy
from gitslice.objects.naming import require_stored
from gitslice.telemetry.metrics import (
    LANDING_REFUSALS,
    LANDING_RETRIES,
    LANDING_SECONDS,
    LANDINGS,
    organization_label,
    timed,
)
from slices.access import Access
from slices.coverage import covering_slices
from slices.entries import heads
from slices.errors import SliceLocked
from slices.ledger import append_commit, file_folder_collisions
from slices.locks import lock_added_paths, lock_slices, share_epoch
from slices.models import Commit, Slice
from slices.patterns import patterns_of

ATTEMPTS = 3
DEADLOCK_DETECTED, SERIALIZATION_FAILURE = "40P01", "40001"


@dataclass(frozen=True)
class Landing:
    """A changeset that has landed. `merged_paths` were three-way merged with what had landed meanwhile."""

    changeset: Changeset
    commit: Commit

    @property
    def merged_paths(self) -> list[str]:
        return self.commit.merged_paths


class _HeadsMoved(Exception):
    """Something landed between planning and locking."""


def land_patchset(
    *,
    actor: User,
    changeset: Changeset,
    expected_patchset: int | None = None,
    message: str | None = None,
    force: bool = False,
) -> Landing:
    """Land the changeset's current patchset. A merged changeset answers with its commit.

    `force` (maintainers only, audited) passes missing approvals and checks and the slice's conflict policies, never
    content that does not merge. Raises SliceForbidden, SliceLocked, ChangesetClosed, StalePatchset, NeedsApproval,
    NeedsChecks, OutsideSlice, OutdatedBase, MergeConflict, or ServerBusy when others land on the same paths faster than we can plan.
    """
    organization = organization_label(lambda: changeset.organization)
    access = Access(changeset.slice, actor)
    with timed(LANDING_SECONDS):
        try:
            access.require_writer()
            if force:
                access.require_maintainer()
            landing = _land(actor, changeset, expected_patchset, message, force)
        except DomainError as refusal:
            LANDING_REFUSALS.labels(refusal.code, organization).inc()
            raise
    LANDINGS.labels("merged" if landing.merged_paths else "clean", organization).inc()
    return landing


def _land(
    actor: User, changeset: Changeset, expected_patchset: int | None, message: str | None, force: bool
) -> Landing:
    """Plans and commits, anew where somebody was faster."""
    for attempt in range(ATTEMPTS):
        if attempt:
            changeset = _reloaded(changeset)
        if changeset.commit is not None:
            return Landing(changeset, changeset.commit)
        try:
            plan = _checked_plan(actor, changeset, expected_patchset, force, structure=attempt > 0)
        except DomainError:
            if _reloaded(changeset).commit is not None:  # the same landing, sent twice, was faster elsewhere
                continue
            raise
        store_contents(plan, user=actor, organization=changeset.organization)
        try:
            return _commit_plan(actor, changeset, plan, message, force)
        except _HeadsMoved:
            LANDING_RETRIES.labels("heads_moved").inc()
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in (DEADLOCK_DETECTED, SERIALIZATION_FAILURE):
                raise
            LANDING_RETRIES.labels("deadlock").inc()
    raise ServerBusy("others keep landing on the same paths")


def _reloaded(changeset: Changeset) -> Changeset:
    related = ("organization", "slice__organization", "slice__definition", "patchset", "commit", "author")
    return Changeset.objects.select_related(*related).get(pk=changeset.pk)


def _checked_plan(
    actor: User, changeset: Changeset, expected_patchset: int | None, force: bool, *, structure: bool
) -> Plan:
    """A plan without collisions that the slice's policies allow. Files that would be folders are looked for under the
    locks anyway, so `structure` asks for it here only when that has found some."""
    patchset = _landable_patchset(changeset, expected_patchset)
    plan = make_plan(changeset.slice, patchset, strict=False if force else None, structure=structure)
    if plan.collisions:
        _refuse(actor, changeset, plan)
    if plan.merged and changeset.slice.auto_merge == Slice.AutoMerge.OFF and not force:
        raise OutdatedBase(
            f"{plan.merged[0]} has landed since the base of {changeset}", paths=list(plan.merged[:100])
        )
    if not plan.rebased:
        raise InvalidEdit(f"{changeset} changes nothing that has not landed already", hint="abandon it")
    return plan


def _landable_patchset(changeset: Changeset, expected_patchset: int | None) -> Patchset:
    if not changeset.is_open:
        raise closed(changeset)
    patchset = changeset.current
    if expected_patchset is not None and patchset.number != expected_patchset:
        raise StalePatchset(f"{changeset} is at patchset {patchset.number}, not {expected_patchset}")
    return patchset


def _refuse(actor: User, changeset: Changeset, plan: Plan) -> None:
    bodies = collision_bodies(changeset, plan.collisions, actor)
    changeset_changed.send(Changeset, changeset_id=changeset.pk)
    count = "1 path" if len(bodies) == 1 else f"{len(bodies)} paths"
    raise MergeConflict(f"{changeset} conflicts with what has landed on {count}", bodies)


@transaction.atomic
def _commit_plan(actor: User, changeset: Changeset, plan: Plan, message: str | None, force: bool) -> Landing:
    organization_id = changeset.organization_id
    paths = [edit.path for edit in plan.edits]
    require_stored(organization_id, plan.contents)
    share_epoch(organization_id)
    coverage = covering_slices(organization_id, paths)
    locked = lock_slices({*coverage, changeset.slice_id})
    authoring = _with_definition(locked[changeset.slice_id], changeset.slice)
    current = lock_changeset(changeset.pk)
    if (
        current.patchset_id != plan.patchset.pk
        or not current.is_open
        or _policies_moved(authoring, changeset.slice)
    ):
        raise _HeadsMoved
    _check_slices(locked, authoring, coverage)
    _check_containment(authoring, paths)
    if not force:
        require_policies(standing_of(changeset, authoring, plan.patchset, coverage), actor)
    lock_added_paths(organization_id, plan.added)
    if heads(organization_id, paths) != plan.seen or file_folder_collisions(
        organization_id, plan.added, plan.removed
    ):
        raise _HeadsMoved
    touched = {edit.path for edit in plan.rebased}
    commit = append_commit(
        authoring=authoring,
        covering=[pk for pk, covered in coverage.items() if not touched.isdisjoint(covered)],
        author_id=current.author_id,
        message=message or _message_of(current),
        changeset_number=current.number,
        changes=plan.changes,
        merged_paths=plan.merged,
    )
    mark_merged(changeset, commit)
    tell_watchers(
        changeset, actor, "changeset.land", covering=list(coverage), commit=commit.hex, files=len(touched)
    )
    detail = {"commit": commit.hex, "patchset": plan.patchset.number, "force": force}
    record(
        organization=changeset.organization,
        actor=actor,
        action="changeset.land",
        object=f"{changeset.slice} {changeset}",
        detail=detail,
    )
    transaction.on_commit(partial(_publish, organization_id, changeset.pk, sorted(touched)))
    return Landing(changeset, commit)


def _publish(organization_id: int, changeset_id: int, paths: list[str]) -> None:
    paths_landed.send(Changeset, organization_id=organization_id, changeset_id=changeset_id, paths=paths)


def _with_definition(locked: Slice, planned: Slice) -> Slice:
    """Spare a query where the definition is still the one that was planned with."""
    if locked.definition_id == planned.definition_id:
        locked.definition = planned.definition
    locked.organization = planned.organization
    return locked


def _policies_moved(locked: Slice, planned: Slice) -> bool:
    return (locked.conflict_policy, locked.auto_merge) != (planned.conflict_policy, planned.auto_merge)


def _check_slices(locked: dict[int, Slice], authoring: Slice, coverage: dict[int, list[str]]) -> None:
    """A locked slice stays as it is, through whichever slice a change comes."""
    if authoring.locked:
        raise SliceLocked(f"{authoring} is locked")
    for pk, paths in coverage.items():
        if locked[pk].locked:
            raise SliceLocked(f"{paths[0]} belongs to a slice that is locked", path=paths[0])


def _check_containment(authoring: Slice, paths: list[str]) -> None:
    covers = patterns_of(authoring).covers
    outside = [path for path in paths if not covers(path)]
    if outside:
        raise OutsideSlice(str(authoring), outside)


def _message_of(changeset: Changeset) -> str:
    return f"{changeset.title}\n\n{changeset.description}".strip()
