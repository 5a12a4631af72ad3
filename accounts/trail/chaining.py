"""Audit events get their places after they are committed.

A chain has one next place, so who takes it inside a transaction makes all others wait for its end; landings of an
organization would queue. Events are therefore written without a place, and `chain_events` gives places to what is
committed, one caller at a time. Ids are taken before they are committed: an event may turn up whose id is smaller than
ids that have places. It is then chained where the chain has come to.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from accounts.models import AuditEvent, AuditLink
from accounts.trail.encoding import NOTHING, Entry, digest_of

log = logging.getLogger(__name__)

CHAINED_AT_ONCE = 1_000
LATE = 20_000  # ids back from the newest with a place, where those that were committed late are looked for each time

LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('accounts_auditlink'))"
UNCHAINED = """
SELECT event.id FROM accounts_auditevent event
 WHERE event.id > %s AND NOT EXISTS (SELECT FROM accounts_auditlink link WHERE link.event_id = event.id)
 ORDER BY event.id LIMIT %s
"""


def chain_events(*, everywhere: bool = False) -> int:
    """Give committed events their places; gives their number. If somebody else is at it, they do it.

    `everywhere` looks through all events, also for those of a transaction that took as long as many thousand events.
    """
    done, more = 0, True
    while more:
        chained = _chain_next(everywhere)
        done, more = done + chained, chained == CHAINED_AT_ONCE
    return done


@transaction.atomic
def _chain_next(everywhere: bool) -> int:
    if not _locked():
        return 0
    events = AuditEvent.objects.filter(pk__in=_unchained(everywhere)).order_by("pk")
    links = list(_links(list(events)))
    AuditLink.objects.bulk_create(links)
    for link in {link.organization_id: link for link in links}.values():
        # Whoever keeps the log elsewhere holds a witness of the chain.
        log.info("audit chain of organization %s: %s %s", link.organization_id, link.position, link.hex)
    return len(links)


def entry_of(event: AuditEvent, position: int) -> Entry:
    return Entry(
        position=position,
        id=event.pk,
        organization_id=event.organization_id,
        actor_id=event.actor_id,
        token_id=event.token_id,
        action=event.action,
        object=event.object,
        detail=event.detail,
        address=event.address,
        at=event.at,
    )


def _links(events: Sequence[AuditEvent]) -> Iterator[AuditLink]:
    heads = {pk: _head(pk) for pk in {event.organization_id for event in events}}
    for event in events:
        position, before = heads[event.organization_id]
        digest = digest_of(entry_of(event, position + 1), before)
        heads[event.organization_id] = position + 1, digest
        yield AuditLink(
            event=event, organization_id=event.organization_id, position=position + 1, digest=digest
        )


def _head(organization_id: int | None) -> tuple[int, bytes]:
    chain = AuditLink.objects.filter(organization=organization_id).order_by("-position")
    newest = chain.values_list("position", "digest").first()
    return (newest[0], bytes(newest[1])) if newest else (0, NOTHING)


def _unchained(everywhere: bool) -> list[int]:
    newest = AuditLink.objects.aggregate(newest=Max("event"))["newest"] or 0
    values: list[Any] = [0 if everywhere else newest - LATE, CHAINED_AT_ONCE]
    with connection.cursor() as cursor:
        cursor.execute(UNCHAINED, values)
        return [pk for (pk,) in cursor.fetchall()]


def _locked() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
        return bool(cursor.fetchone()[0])
