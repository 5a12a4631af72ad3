from __future__ import annotations

from django.db import models

from accounts.errors import QuotaExceeded
from accounts.quotas.amounts import told


class Quota(models.Model):
    """How much of one thing an organization may have (`limit`, NULL: any amount) and has (`used`): three rows each.

    `bytes` are those of the packs that it was given, counted from when there is a limit, by a trigger as their
    transactions commit, so that uploads wait for each other no longer than that takes; the same pack counts each time it comes, else the figure would tell what others have
    uploaded. `slices` are all but the root, `members` are people, active or not: accounts/quotas/services.py counts
    them. `manage.py quota --recount` makes `used` anew.
    """

    class Kind(models.TextChoices):
        BYTES = "bytes"
        SLICES = "slices"
        MEMBERS = "members"

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="quotas", db_index=False
    )
    kind = models.CharField(max_length=8, choices=Kind)
    limit = models.PositiveBigIntegerField(null=True, blank=True)
    used = models.BigIntegerField(default=0, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "kind"], name="quota_once")]

    def __str__(self) -> str:
        return f"{self.organization}: {self.kind}"

    @property
    def is_counted(self) -> bool:
        """Bytes are only where there is a limit."""
        return self.kind != self.Kind.BYTES or self.limit is not None

    @property
    def shown_name(self) -> str:
        return "Stored bytes" if self.kind == self.Kind.BYTES else self.kind.capitalize()

    @property
    def shown_limit(self) -> str:
        return "no limit" if self.limit is None else told(self.kind, self.limit)

    @property
    def shown_used(self) -> str:
        return told(self.kind, self.used) if self.is_counted else "not counted"

    @property
    def shown(self) -> str:
        return f"{self.shown_used}{', ' if self.limit is None else ' of '}{self.shown_limit}"

    @property
    def figures(self) -> dict[str, int | None]:
        return {"used": self.used if self.is_counted else None, "limit": self.limit}

    def require_room(self, amount: int) -> None:
        """Raises QuotaExceeded if there is none for so much more. Bytes that are on their way count once stored."""
        if self.limit is not None and self.used + amount > self.limit:
            raise self.exceeded(amount)

    def exceeded(self, amount: int) -> QuotaExceeded:
        """The error of who wants so much more."""
        what = f"{told(self.kind, amount)} more" if self.kind == self.Kind.BYTES else "one more"
        message = f"the quota of {self.shown_name.lower()} leaves no room for {what}: {self.shown} are used"
        return QuotaExceeded(message, quota=self.kind, used=self.used, limit=self.limit)
