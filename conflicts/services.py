"""What people do with a conflict besides resolving it: somebody takes care of it, and they talk about it."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from conflicts.bookkeeping import note
from conflicts.models import Conflict, ConflictEvent
from gitslice.common.audit import record
from gitslice.common.errors import InvalidRequest, PermissionDenied
from slices.access import Access

MOST_CHARACTERS = 20_000


@transaction.atomic
def assign_conflict(*, actor: User, conflict: Conflict, assignee: User | None) -> Conflict:
    """Say who takes care of it. Writers of a side that sees the other may; the assignee has to see both sides too.
    Raises PermissionDenied, InvalidRequest."""
    conflict = Conflict.objects.select_for_update(of=("self",)).get(pk=conflict.pk)
    _require_both_sides(conflict, actor)
    sides = [conflict.changeset, conflict.their_changeset]
    if not any(side and Access(side.slice, actor).can_write for side in sides):
        raise PermissionDenied("only writers of one of the two slices assign conflicts")
    if assignee is not None and not Conflict.objects.told_to(assignee).filter(pk=conflict.pk).exists():
        raise InvalidRequest(f"{assignee.username} does not see both sides of this conflict")
    if conflict.state != Conflict.State.OPEN:
        raise InvalidRequest(f"the conflict is {conflict.state}")
    if conflict.assignee != assignee:
        conflict.assignee = assignee
        conflict.save(update_fields=["assignee", "updated_at"])
        name = assignee.username if assignee else None
        note([conflict], ConflictEvent.Action.ASSIGNED, actor=actor, detail={"assignee": name})
        _audit(conflict, actor, "conflict.assign", assignee=name)
    return conflict


@transaction.atomic
def comment_on_conflict(*, actor: User, conflict: Conflict, body: str) -> ConflictEvent:
    """Anybody who sees both sides may. Raises PermissionDenied, InvalidRequest."""
    _require_both_sides(conflict, actor)
    if not body.strip() or len(body) > MOST_CHARACTERS:
        raise InvalidRequest(f"a comment has 1 to {MOST_CHARACTERS} characters")
    note([conflict], ConflictEvent.Action.COMMENTED, actor=actor, body=body.strip())
    _audit(conflict, actor, "conflict.comment")
    event = ConflictEvent.objects.select_related("actor", "conflict").filter(conflict=conflict).last()
    assert event is not None
    return event


def _require_both_sides(conflict: Conflict, actor: User) -> None:
    if not Conflict.objects.told_to(actor).filter(pk=conflict.pk).exists():
        raise PermissionDenied("you do not see the other side of this conflict")


def _audit(conflict: Conflict, actor: User, action: str, **detail: object) -> None:
    record(
        organization=conflict.organization,
        actor=actor,
        action=action,
        object=f"{conflict.changeset} {conflict.path}",
        detail=dict(detail),
    )
