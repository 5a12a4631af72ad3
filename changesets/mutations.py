"""What every mutation of a changeset does: lock it, check that it is open, write what happened, tell others."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

from django.db import transaction

from accounts.models import User
from changesets.errors import StalePatchset, closed
from changesets.feed import tell_watchers
from changesets.models import Changeset
from changesets.signals import changeset_changed
from gitslice.common.audit import record

REOPENABLE = (*Changeset.OPEN_STATES, Changeset.State.REJECTED)


def locked(changeset: Changeset) -> Changeset:
    """The changeset as it is now, and stays until the transaction ends. Its patchset is not joined: a statement that had
    to wait for another patchset would find none."""
    rows = Changeset.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("organization", "slice__organization", "author").get(pk=changeset.pk)


def check_current(changeset: Changeset, expected_patchset: int | None) -> None:
    """Raises ChangesetClosed, AlreadyMerged, StalePatchset."""
    if changeset.state not in REOPENABLE:
        raise closed(changeset)
    if expected_patchset is not None and changeset.current.number != expected_patchset:
        raise StalePatchset(f"{changeset} is at patchset {changeset.current.number}, not {expected_patchset}")


def audit(
    changeset: Changeset,
    actor: User,
    action: str,
    *,
    heard: bool = True,
    users: Collection[int] = (),
    **detail: Any,
) -> None:
    """Write the audit event, and the event that watchers hear; `users` are concerned besides the author."""
    if heard:
        tell_watchers(changeset, actor, action, users=users)
    record(
        organization=changeset.organization,
        actor=actor,
        action=action,
        object=f"{changeset.slice} {changeset}",
        detail=detail,
    )


def publish(changeset: Changeset) -> None:
    """After commit: look for conflicts."""
    transaction.on_commit(partial(changeset_changed.send, Changeset, changeset_id=changeset.pk))
