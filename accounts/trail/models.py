from __future__ import annotations

from django.db import models


class AuditLink(models.Model):
    """An audit event's place in the chain of its organization, or of the events that belong to none.

    Written after the event's transaction (accounts/trail/chaining.py), so that writing an event waits for nobody. The
    digest covers the one before and the event (accounts/trail/encoding.py). Never updated nor deleted.
    """

    event = models.OneToOneField(
        "accounts.AuditEvent", on_delete=models.PROTECT, primary_key=True, related_name="link"
    )
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    position = models.BigIntegerField()  # 1, 2, 3, ... in the chain
    digest = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "position"], nulls_distinct=False, name="audit_link_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.hex}"

    @property
    def hex(self) -> str:
        return bytes(self.digest).hex()
