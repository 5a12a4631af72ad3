from __future__ import annotations

from datetime import datetime
from smtplib import SMTPException

from celery import shared_task

from accounts.devices.services import forget_old_grants
from accounts.events import forget_old
from accounts.people import letters
from accounts.sign_in.sessions import forget_expired_sessions
from accounts.trail.chaining import chain_events
from accounts.webhooks import dispatching, sending


@shared_task(name="accounts.forget_old_events")
def forget_old_events() -> int:
    """Drop events that nobody resumes from any more; gives their number."""
    return forget_old()


@shared_task(name="accounts.chain_audit")
def chain_audit(everywhere: bool = False) -> int:
    """Give audit events their places; gives their number."""
    return chain_events(everywhere=everywhere)


@shared_task(name="accounts.forget_old_deliveries")
def forget_old_deliveries() -> int:
    """Drop the log of webhooks where it is old; gives the number of entries."""
    return dispatching.forget_old_deliveries()


@shared_task(name="accounts.forget_old_device_grants")
def forget_old_device_grants() -> int:
    """Drop sign-ins of devices that are over, and wrong codes; gives the number of sign-ins."""
    return forget_old_grants()


@shared_task(name="accounts.forget_sessions")
def forget_sessions() -> int:
    """Drop sessions of browsers that have expired; gives their number."""
    return forget_expired_sessions()


@shared_task(name="accounts.dispatch_webhooks")
def dispatch_webhooks() -> int:
    """Queue what webhooks are to send now; gives the number of deliveries. What is queued and lost is queued again
    when its lease has run out."""
    leases = dispatching.dispatch()
    for delivery_id, lease in leases:
        send_webhook.delay(delivery_id, lease.isoformat())
    return len(leases)


@shared_task(name="accounts.send_webhook")
def send_webhook(delivery_id: int, lease: str) -> None:
    """Try one delivery, if it is still leased until then."""
    sending.send(delivery_id, datetime.fromisoformat(lease))


@shared_task(
    name="accounts.send_invitation",
    autoretry_for=(SMTPException, OSError),
    retry_backoff=10,
    max_retries=6,
)
def send_invitation(invitation_id: int, sealed_token: str) -> None:
    """Mail the link of an invitation, if it still works. A mail server that is away is asked again for some minutes."""
    letters.send_invitation(invitation_id, sealed_token)
