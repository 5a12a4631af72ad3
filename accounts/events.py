"""The feed: what happened, in an order that readers can resume from.

A mutation writes its event with its rows (`announce`). A transaction that began earlier may commit later, so ids alone
would let a reader run past an event that is not there yet. `settle` therefore numbers committed events, one caller at a
time; what has a position stays at its place, and everything before it is there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min, Q
from django.utils import timezone
from psycopg.types.json import Jsonb

from accounts.models import Event

ACCESS = "access"  # somebody's rights changed: who remembers what people may see asks again
KEPT = timedelta(days=7)
SETTLED_AT_ONCE = 5_000
PRIVATE = ("actor_id",)  # of a body: for us alone

INSERT = (
    "INSERT INTO accounts_event (organization_id, kind, slices, users, changeset, body, at)"
    " VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp())"
)
UNSETTLED = "SELECT EXISTS (SELECT FROM accounts_event WHERE position IS NULL)"
LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('accounts_event'))"
SETTLE = """
WITH newest AS (SELECT coalesce(max(position), 0) AS position FROM accounts_event),
     fresh AS (SELECT id, row_number() OVER (ORDER BY id) AS place FROM accounts_event WHERE position IS NULL
                ORDER BY id LIMIT %s)
UPDATE accounts_event event SET position = newest.position + fresh.place
  FROM fresh, newest WHERE event.id = fresh.id
"""


def announce(
    *,
    organization_id: int | None,
    kind: str,
    slices: Sequence[int] = (),
    users: Collection[int] = (),
    changeset_id: int | None = None,
    body: dict[str, Any] | None = None,
) -> None:
    """Write an event in the caller's transaction."""
    values: list[Any] = [organization_id, kind, list(slices), list(users), changeset_id, Jsonb(body or {})]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)


def settle() -> None:
    """Give committed events their positions. If somebody else is at it, they do it."""
    with connection.cursor() as cursor:
        cursor.execute(UNSETTLED)
        if not cursor.fetchone()[0]:
            return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK)
        if cursor.fetchone()[0]:
            cursor.execute(SETTLE, [SETTLED_AT_ONCE])


def newest_position() -> int:
    return Event.objects.aggregate(newest=Max("position"))["newest"] or 0


def oldest_position() -> int:
    return Event.objects.aggregate(oldest=Min("position"))["oldest"] or 0


def events_after(position: int, organizations: Collection[int], limit: int) -> list[Event]:
    """Settled events of these organizations, and of all, in order."""
    concerned = Q(organization__in=organizations) | Q(organization=None)
    return list(Event.objects.filter(concerned, position__gt=position).order_by("position")[:limit])


def public_body(event: Event) -> dict[str, Any]:
    """What of an event's body may be told to others."""
    return {name: value for name, value in event.body.items() if name not in PRIVATE}


def forget_old() -> int:
    """Drop events that nobody resumes from any more; gives their number. The newest stays: it keeps the count."""
    old = Event.objects.filter(position__lt=newest_position(), at__lt=timezone.now() - KEPT)
    return old.delete()[0]
