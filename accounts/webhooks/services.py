"""Mutations of webhooks, for owners and admins of their organization."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone

from accounts.errors import DeliveryNotFound, WebhookInactive, WebhookNotFound
from accounts.events import newest_position, settle
from accounts.models import Organization, User
from accounts.services import require_admin
from accounts.tasks import dispatch_webhooks
from accounts.webhooks.addresses import check_url
from accounts.webhooks.dispatching import new_delivery
from accounts.webhooks.models import Webhook, WebhookDelivery
from accounts.webhooks.signing import new_secret
from gitslice.common.audit import record
from gitslice.common.secrets import seal

OVERLAP = timedelta(hours=24)  # for which a secret signs beside the one that follows it


@transaction.atomic
def create_webhook(
    *, actor: User, organization: Organization, url: str, topics: Iterable[str], active: bool = True
) -> tuple[Webhook, str]:
    """A new webhook, for what happens from now on, and its secret, which is shown this once. Raises InvalidUrl."""
    require_admin(actor, organization)
    check_url(url)
    secret = new_secret()
    webhook = Webhook.objects.create(
        organization=organization,
        url=url,
        topics=sorted(set(topics)),
        active=active,
        secret=seal(secret),
        position=_now(),
        created_by=actor,
    )
    _audit(webhook, actor, "webhook.create")
    return webhook, secret


@transaction.atomic
def change_webhook(
    *,
    actor: User,
    webhook: Webhook,
    url: str | None = None,
    topics: Iterable[str] | None = None,
    active: bool | None = None,
) -> Webhook:
    """Change what is given. One that becomes active again hears of what happens from then on. Raises InvalidUrl."""
    current = _lock(actor, webhook)
    if url is not None:
        check_url(url)
        current.url = url
    if topics is not None:
        current.topics = sorted(set(topics))
    if active is not None:
        current.position = _now() if active and not current.active else current.position
        current.active = active
    current.save(update_fields=["url", "topics", "active", "position"])
    _audit(current, actor, "webhook.change")
    return current


@transaction.atomic
def delete_webhook(*, actor: User, webhook: Webhook) -> None:
    """With its log."""
    current = _lock(actor, webhook)
    _audit(current, actor, "webhook.delete")
    current.delete()


@transaction.atomic
def rotate_secret(*, actor: User, webhook: Webhook) -> tuple[Webhook, str]:
    """A new secret, shown this once. For a day the one before signs too, so that receivers can change over."""
    current = _lock(actor, webhook)
    secret = new_secret()
    current.old_secret, current.old_until = current.secret, timezone.now() + OVERLAP
    current.secret = seal(secret)
    current.save(update_fields=["secret", "old_secret", "old_until"])
    _audit(current, actor, "webhook.rotate")
    return current, secret


@transaction.atomic
def ping_webhook(*, actor: User, webhook: Webhook) -> WebhookDelivery:
    """A test delivery. Raises WebhookInactive."""
    current = _lock(actor, webhook)
    _require_active(current)
    delivery = new_delivery(current, kind="ping", data={"webhook": current.pk}, at=timezone.now())
    delivery.save()
    _audit(current, actor, "webhook.ping")
    _dispatch_soon()
    return delivery


@transaction.atomic
def redeliver(*, actor: User, delivery: WebhookDelivery) -> WebhookDelivery:
    """Try it anew, whatever came of it. Raises WebhookInactive."""
    webhook = _lock(actor, delivery.webhook)
    _require_active(webhook)
    current = WebhookDelivery.objects.select_for_update().filter(pk=delivery.pk).first()
    if current is None:
        raise DeliveryNotFound("the delivery is forgotten")
    current.state, current.attempts = WebhookDelivery.State.PENDING, 0
    current.next_at, current.delivered_at = timezone.now(), None
    current.save(update_fields=["state", "attempts", "next_at", "delivered_at"])
    _audit(webhook, actor, "webhook.redeliver", delivery=str(current.uuid))
    _dispatch_soon()
    return current


def _lock(actor: User, webhook: Webhook) -> Webhook:
    """The webhook as it is now, for who may change it; nobody else does until the transaction ends."""
    require_admin(actor, webhook.organization)
    own = Webhook.objects.select_for_update(of=("self",)).select_related("organization", "created_by")
    current = own.filter(pk=webhook.pk).first()
    if current is None:
        raise WebhookNotFound(f"there is no webhook {webhook.pk}")
    return current


def _require_active(webhook: Webhook) -> None:
    if not webhook.active:
        raise WebhookInactive(f"webhook {webhook.pk} is not active")


def _now() -> int:
    """The position of the newest event that is committed."""
    settle()
    return newest_position()


def _dispatch_soon() -> None:
    """Without the queue it happens all the same, a moment later."""
    transaction.on_commit(dispatch_webhooks.delay, robust=True)


def _audit(webhook: Webhook, actor: User, action: str, **detail: str) -> None:
    """Of the URL only the host is told: the rest of it is a secret with some receivers."""
    facts = {"host": urlsplit(webhook.url).hostname, "topics": webhook.topics, "active": webhook.active}
    record(
        organization=webhook.organization,
        actor=actor,
        action=action,
        object=f"{webhook.organization}/{webhook.pk}",
        detail=facts | detail,
    )
