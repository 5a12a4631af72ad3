"""One delivery, tried once."""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from django.db.models import F
from django.utils import timezone

from accounts.errors import InvalidUrl
from accounts.webhooks.dispatching import LEASE
from accounts.webhooks.models import Webhook, WebhookDelivery
from accounts.webhooks.posting import NotPosted, post
from accounts.webhooks.signing import signed_headers
from gitslice import __version__
from gitslice.common.secrets import Unreadable, unseal
from gitslice.telemetry.metrics import WEBHOOK_SECONDS, WEBHOOKS, timed

log = logging.getLogger(__name__)

PAUSES = (10, 60, 300, 1_800, 7_200, 21_600, 43_200)  # seconds after each try, until the next
JITTER = 0.2  # of a pause, to both sides: what failed together is not tried again together

State = WebhookDelivery.State


@dataclass(frozen=True)
class Outcome:
    status: int | None = None
    response: str = ""
    error: str = ""

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def send(delivery_id: int, lease: datetime) -> None:
    """Try a delivery that was leased until this moment, and write down what came of it. No transaction is open while
    we wait for the network."""
    delivery = WebhookDelivery.objects.select_related("webhook").filter(pk=delivery_id).first()
    if delivery is not None and delivery.webhook.active and _claim(delivery, lease):
        _record(delivery, _try(delivery))


def _claim(delivery: WebhookDelivery, lease: datetime) -> bool:
    """Make the lease ours. Of several with the same lease one gets it."""
    own = timezone.now() + LEASE
    unclaimed = WebhookDelivery.objects.filter(pk=delivery.pk, state=State.PENDING, next_at=lease)
    if not unclaimed.update(next_at=own, attempts=F("attempts") + 1):
        return False
    delivery.next_at = own
    delivery.attempts += 1
    return True


def _try(delivery: WebhookDelivery) -> Outcome:
    body = orjson.dumps(delivery.body)
    try:
        headers = signed_headers(_secrets(delivery.webhook), str(delivery.uuid), int(time.time()), body)
        headers |= {"Content-Type": "application/json", "User-Agent": f"GitSlice/{__version__}"}
        with timed(WEBHOOK_SECONDS):
            answer = post(delivery.webhook.url, body, headers)
    except (NotPosted, InvalidUrl, Unreadable) as error:
        return Outcome(error=str(error))
    return Outcome(answer.status, answer.text)


def _secrets(webhook: Webhook) -> list[str]:
    """The secrets that sign now, the newest first."""
    sealed = [webhook.secret]
    if webhook.old_until is not None and webhook.old_until > timezone.now():
        sealed.append(webhook.old_secret)
    return [unseal(secret) for secret in sealed]


def _record(delivery: WebhookDelivery, outcome: Outcome) -> None:
    """Unless the lease is no longer ours: somebody has asked for the delivery anew, or we took too long."""
    known = {
        "last_status": outcome.status,
        "last_error": outcome.error[:200],
        "last_response": outcome.response,
    }
    ours = WebhookDelivery.objects.filter(pk=delivery.pk, state=State.PENDING, next_at=delivery.next_at)
    if outcome.delivered:
        WEBHOOKS.labels("delivered").inc()
        ours.update(state=State.DELIVERED, delivered_at=timezone.now(), next_at=None, **known)
    elif delivery.attempts <= len(PAUSES):
        WEBHOOKS.labels("later").inc()
        ours.update(next_at=timezone.now() + _pause(delivery.attempts), **known)
    else:
        WEBHOOKS.labels("given_up").inc()
        ours.update(state=State.FAILED, next_at=None, **known)
        log.warning("webhook %d: %s could not be delivered", delivery.webhook_id, delivery.uuid)


def _pause(attempts: int) -> timedelta:
    return timedelta(seconds=PAUSES[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER))
