from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.scopes import Scope


class DeviceGrant(models.Model):
    """A program that asks to act for whoever types its user code. The database holds digests of both codes."""

    class State(models.TextChoices):
        PENDING = "pending"
        ALLOWED = "allowed"
        DENIED = "denied"
        USED = "used"  # its token was handed out

    device_digest = models.BinaryField(max_length=32, unique=True)
    user_digest = models.BinaryField(max_length=32, unique=True)
    client = models.CharField(max_length=40)
    device_name = models.CharField(max_length=100, blank=True)  # as the program says
    address = models.GenericIPAddressField(null=True)
    scopes = ArrayField(models.CharField(max_length=8, choices=Scope))
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )  # who decided
    interval = models.PositiveSmallIntegerField()  # seconds that the program waits between questions
    asked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["address", "created_at"], name="device_by_address")]

    def __str__(self) -> str:
        return f"{self.title}: {self.state}"

    @property
    def title(self) -> str:
        """What people know the program by."""
        return f"{self.client} on {self.device_name}" if self.device_name else self.client


class CodeGuess(models.Model):
    """A user code that somebody typed and nobody was given."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "code guesses"
        indexes = [models.Index(fields=["user", "at"], name="guess_by_user")]

    def __str__(self) -> str:
        return f"{self.user} at {self.at}"
