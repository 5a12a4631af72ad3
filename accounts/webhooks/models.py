from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Topic(models.TextChoices):
    CHANGESET = "changeset"
    LANDING = "landing"  # of changesets' events only that they land
    CONFLICT = "conflict"
    GLOBAL = "global"


class Webhook(models.Model):
    """Where an organization's events are sent. `position` is how far it has read the feed; while it is not active it
    reads nothing. Secrets are sealed (gitslice/common/secrets.py); until `old_until` the one before signs too."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="webhooks"
    )
    url = models.CharField(max_length=2000)
    topics = ArrayField(models.CharField(max_length=16, choices=Topic))
    active = models.BooleanField(default=True)
    secret = models.TextField()
    old_secret = models.TextField(blank=True)
    old_until = models.DateTimeField(null=True)
    position = models.BigIntegerField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["position"], condition=models.Q(active=True), name="webhook_by_position")
        ]

    def __str__(self) -> str:
        return f"webhook {self.pk}"


class WebhookDelivery(models.Model):
    """One event for one webhook, or a test (without a position). A pending one is due at `next_at`; who sends it moves
    that ahead first, so that nobody else does."""

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    event_position = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=32)
    body = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=200, blank=True)
    last_response = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["webhook", "event_position"], name="webhook_hears_once"),
        ]
        indexes = [
            models.Index(fields=["webhook", "-id"], name="delivery_log"),
            models.Index(fields=["next_at"], condition=models.Q(state="pending"), name="delivery_pending"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uuid}"
