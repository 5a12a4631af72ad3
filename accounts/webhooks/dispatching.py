"""From the feed to deliveries, and from deliveries to whoever sends them.

A webhook's place in the feed moves in the transaction that writes the deliveries up to it, so that a dispatcher that
dies loses nothing and does nothing twice. What is due is leased: `next_at` moves ahead, and the lease, which is that
moment, is handed on. Whoever sends gives up if the row's lease is another by then; a lease that nobody used runs out.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.events import newest_position, public_body, settle
from accounts.models import Event
from accounts.webhooks.models import Topic, Webhook, WebhookDelivery

LEASE = timedelta(seconds=60)
KEPT = timedelta(days=30)
READ_AT_ONCE = 1_000  # events for one webhook
SENT_AT_ONCE = 50  # deliveries of one webhook, so that those of others have their turn

Lease = tuple[int, datetime]  # of a delivery's id


def dispatch() -> list[Lease]:
    """Bring all active webhooks up to date with the feed; gives leases of what is to be sent now."""
    if not Webhook.objects.filter(active=True).exists():
        return []
    settle()
    newest = newest_position()
    for webhook_id in Webhook.objects.filter(active=True, position__lt=newest).values_list("pk", flat=True):
        read_on(webhook_id, newest)
    due = _due().filter(webhook__active=True).values_list("webhook", flat=True).distinct()
    return [lease for webhook_id in due for lease in take_due(webhook_id)]


@transaction.atomic
def read_on(webhook_id: int, newest: int) -> None:
    """Write deliveries of the next events that the webhook wants, unless another dispatcher is at it."""
    own = Webhook.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
    webhook = own.select_related("organization").filter(pk=webhook_id, active=True).first()
    if webhook is None:
        return
    ahead = Event.objects.filter(organization=webhook.organization_id, position__gt=webhook.position)
    events = list(ahead.filter(_wanted(webhook), position__lte=newest).order_by("position")[:READ_AT_ONCE])
    WebhookDelivery.objects.bulk_create([_delivery_of(event, webhook) for event in events])
    webhook.position = events[-1].place if len(events) == READ_AT_ONCE else max(newest, webhook.position)
    webhook.save(update_fields=["position"])


@transaction.atomic
def take_due(webhook_id: int) -> list[Lease]:
    rows = _due().filter(webhook=webhook_id).order_by("next_at", "pk").select_for_update(skip_locked=True)
    ids = list(rows.values_list("pk", flat=True)[:SENT_AT_ONCE])
    until = timezone.now() + LEASE
    WebhookDelivery.objects.filter(pk__in=ids).update(next_at=until)
    return [(pk, until) for pk in ids]


def new_delivery(
    webhook: Webhook, *, kind: str, data: dict[str, Any], at: datetime, position: int | None = None
) -> WebhookDelivery:
    """A delivery that is due now, not yet saved."""
    name = uuid.uuid4()
    body = {
        "id": str(name),
        "type": kind,
        "organization": webhook.organization.slug,
        "time": at.isoformat(),
        "data": data,
    }
    return WebhookDelivery(
        webhook=webhook, uuid=name, event_position=position, kind=kind, body=body, next_at=timezone.now()
    )


def forget_old_deliveries() -> int:
    """Drop the log of what was to be delivered long ago; gives the number of entries."""
    return WebhookDelivery.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]


def _delivery_of(event: Event, webhook: Webhook) -> WebhookDelivery:
    return new_delivery(
        webhook, kind=event.kind, data=public_body(event), at=event.at, position=event.position
    )


def _wanted(webhook: Webhook) -> Q:
    wanted = Q(pk=None)
    for topic in webhook.topics:
        wanted |= Q(kind="changeset.land") if topic == Topic.LANDING else Q(kind__startswith=f"{topic}.")
    return wanted


def _due() -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(state=WebhookDelivery.State.PENDING, next_at__lte=timezone.now())
