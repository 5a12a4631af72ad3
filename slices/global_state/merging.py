"""The batch merge: landed commits become one global commit.

Everything is worked out and its tree nodes are stored before the one transaction that writes the global commit, so a
killed worker leaves all of it or nothing that counts. One runs at a time in an organization, by a lock that dies with
its connection; should two run all the same, that transaction finds out.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.db import connection, transaction
from django.utils import timezone

from accounts.events import announce
from accounts.models import Organization, User
from gitslice.common.audit import record
from gitslice.common.rows import fetch_row, fetch_rows
from gitslice.telemetry.metrics import (
    GLOBAL_MERGE_SECONDS,
    GLOBAL_MERGED_COMMITS,
    GLOBAL_MERGES,
    organization_label,
    timed,
)
from slices.access import administers, find_access
from slices.errors import GlobalForbidden
from slices.global_state.batches import EVERYTHING, Batch, Limits, plan_batch
from slices.global_state.digests import GlobalFacts, global_digest
from slices.global_state.errors import GlobalBlocked, GlobalMergeRunning
from slices.global_state.nodes import store_nodes
from slices.global_state.pacing import Pace
from slices.global_state.progress import merge_lock, tell_step
from slices.models import ROOT, GlobalCommit, GlobalState
from slices.signals import global_merged

WORTH_TELLING = 5_000  # paths

log = logging.getLogger(__name__)

DIGESTS = "SELECT digest FROM slices_commit WHERE organization_id = %s AND seq = ANY(%s) ORDER BY seq"
MEMBERS = "INSERT INTO slices_mergedcommit (organization_id, seq, number) SELECT %s, seq, %s FROM unnest(%s::bigint[]) AS m(seq)"


def may_merge(actor: User, organization: Organization) -> bool:
    """Who may write to the root slice may merge; owners and admins may anyway."""
    if administers(actor, organization.pk):
        return True
    access = find_access(actor, organization.slug, ROOT)
    return access is not None and access.can_write


def require_merger(actor: User, organization: Organization, what: str = "merge") -> None:
    """Raises GlobalForbidden."""
    if not may_merge(actor, organization):
        raise GlobalForbidden(f"you may not {what} the global state of {organization}")


def merge_global(
    *, actor: User | None, organization: Organization, limits: Limits = EVERYTHING
) -> tuple[GlobalCommit, Batch] | None:
    """Merge one batch; None if nothing waits. `actor` is None for the schedule.

    Raises GlobalForbidden, GlobalMergeRunning, or GlobalBlocked, and then the state is as it was, and says why.
    """
    if actor is not None:
        require_merger(actor, organization)
    try:
        with timed(GLOBAL_MERGE_SECONDS):
            merged = _merge(actor, organization, limits)
    except (GlobalMergeRunning, GlobalBlocked) as stop:
        GLOBAL_MERGES.labels("running" if isinstance(stop, GlobalMergeRunning) else "blocked").inc()
        raise
    GLOBAL_MERGES.labels("merged" if merged else "nothing").inc()
    if merged:
        GLOBAL_MERGED_COMMITS.labels(organization_label(organization)).inc(len(merged[1].seqs))
    return merged


def _merge(
    actor: User | None, organization: Organization, limits: Limits
) -> tuple[GlobalCommit, Batch] | None:
    pace = Pace()
    with _single_flight(organization):
        try:
            batch = plan_batch(organization, limits, partial(_at_step, organization, pace))
        except GlobalBlocked as problem:
            _stop(organization, problem)
            raise
        if batch is None:
            return None
        _prepare(batch)
        pace.rest()
        return _commit(actor, batch), batch


@contextmanager
def _single_flight(organization: Organization) -> Iterator[None]:
    lock = merge_lock(organization.pk)
    if not fetch_row("SELECT pg_try_advisory_lock(%s)", [lock])[0]:  # type: ignore[index]
        raise GlobalMergeRunning(f"a batch merge of {organization} is running")
    tell_step(organization.pk, "")
    try:
        yield
    finally:
        if connection.connection is not None and not connection.connection.closed:
            fetch_row("SELECT pg_advisory_unlock(%s)", [lock])


@transaction.atomic
def _prepare(batch: Batch) -> None:
    """Store the nodes. Nobody waits for the disk, landings least of all: the global commit that refers to them comes later
    in the database's log, and takes them along to the disk."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
    _announce(batch, "global.started")
    store_nodes(batch.organization.pk, batch.nodes)
    _tell_progress(batch.organization, "stored", batch.path_count)


@transaction.atomic
def _commit(actor: User | None, batch: Batch) -> GlobalCommit:
    organization = batch.organization
    state = _locked_state(organization)
    if state.head_id != (batch.parent.pk if batch.parent else None):
        raise GlobalMergeRunning(f"another batch merge of {organization} was faster")
    merged = _written(actor, batch)
    state.head, state.problem, state.problem_at = merged, None, None
    state.save()
    detail = {"commit": merged.hex, "commits": len(batch.seqs), "paths": batch.path_count}
    record(organization=organization, actor=actor, action="global.merge", object=str(merged), detail=detail)
    _announce(batch, "global.merged", commit=merged.hex)
    notice = partial(global_merged.send, GlobalCommit, organization_id=organization.pk)
    transaction.on_commit(notice, robust=True)
    return merged


def _locked_state(organization: Organization) -> GlobalState:
    GlobalState.objects.bulk_create([GlobalState(organization=organization)], ignore_conflicts=True)
    return GlobalState.objects.select_for_update().get(pk=organization.pk)


def _written(actor: User | None, batch: Batch) -> GlobalCommit:
    organization_id, parent = batch.organization.pk, batch.parent
    now = timezone.now()
    merged_at = (
        max(now, parent.merged_at) if parent else now
    )  # a clock that steps back does not reorder history
    digests = [bytes(digest) for (digest,) in fetch_rows(DIGESTS, [organization_id, batch.seqs])]
    salt = secrets.token_bytes(16)
    facts = GlobalFacts(
        parent=bytes(parent.digest) if parent else None,
        number=batch.number,
        tree=batch.tree,
        salt=salt,
        author_id=actor.pk if actor else None,
        merged_at=merged_at,
        commits=digests,
    )
    merged = GlobalCommit.objects.create(
        organization=batch.organization,
        number=batch.number,
        digest=global_digest(facts),
        parent=parent,
        tree=batch.tree,
        salt=salt,
        author=actor,
        merged_at=merged_at,
        commit_count=len(batch.seqs),
        path_count=batch.path_count,
        last_seq=batch.last_seq,
        floor=batch.floor,
    )
    with connection.cursor() as cursor:
        cursor.execute(MEMBERS, [organization_id, batch.number, batch.seqs])
    return merged


@transaction.atomic
def _stop(organization: Organization, problem: GlobalBlocked) -> None:
    """Say why nothing goes on, once."""
    state = _locked_state(organization)
    told = {"message": str(problem), **problem.details}
    if state.problem == told:
        return
    log.error("the global state of %s cannot go on: %s", organization, problem)
    state.problem, state.problem_at = told, timezone.now()
    state.save()
    announce(organization_id=organization.pk, kind="global.stopped", body={"organization": organization.slug})


def _at_step(organization: Organization, pace: Pace, step: str, paths: int) -> None:
    _tell_progress(organization, step, paths)
    pace.rest()


def _tell_progress(organization: Organization, step: str, paths: int) -> None:
    """To who looks at the page; to watchers only of batches that take seconds: others are done before anybody has read it."""
    tell_step(organization.pk, step)
    if paths >= WORTH_TELLING:
        body = {"organization": organization.slug, "step": step}
        announce(organization_id=organization.pk, kind="global.progress", body=body)


def _announce(batch: Batch, kind: str, **facts: object) -> None:
    """Every member hears it, so it tells nothing of what is in the batch."""
    slug = batch.organization.slug
    body = {"organization": slug, "number": batch.number} | facts
    announce(organization_id=batch.organization.pk, kind=kind, body=body)
