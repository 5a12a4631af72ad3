"""Conflicts: stored facts about paths on which a changeset collides with what others landed."""

from django.conf import settings
from django.db import models

from conflicts.querysets import ConflictQuerySet


class Conflict(models.Model):
    """This path of this changeset collides with that commit. One row a collision: opened, updated, closed."""

    class State(models.TextChoices):
        OPEN = "open"
        RESOLVED = "resolved"
        OBSOLETE = "obsolete"

    class Kind(models.TextChoices):
        CONTENT = "content"
        ADD_ADD = "add_add"
        MODIFY_DELETE = "modify_delete"
        MODE = "mode"
        RENAME = "rename"
        FILE_FOLDER = "file_folder"
        BINARY = "binary"

    class Severity(models.TextChoices):
        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"
        CRITICAL = "critical"

    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="+")
    changeset = models.ForeignKey("changesets.Changeset", on_delete=models.CASCADE, related_name="conflicts")
    patchset = models.ForeignKey("changesets.Patchset", on_delete=models.CASCADE, related_name="+")
    path = models.TextField(db_collation="C")
    kind = models.CharField(max_length=13, choices=Kind)
    severity = models.CharField(max_length=8, choices=Severity)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    their_commit = models.ForeignKey("slices.Commit", on_delete=models.PROTECT, null=True, related_name="+")
    base = models.JSONField(null=True)  # entry {mode, digest, size} or null
    ours = models.JSONField(null=True)
    theirs = models.JSONField(null=True)
    hunks = models.JSONField(default=list)
    hint = models.TextField(blank=True)
    resolution = models.CharField(max_length=8, blank=True)  # ours | theirs | auto | manual
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ConflictQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["changeset", "path"], condition=models.Q(state="open"), name="conflict_open_once"
            ),
        ]
        indexes = [models.Index(fields=["organization", "state"], name="conflict_by_state")]

    def __str__(self) -> str:
        return f"{self.path}: {self.kind} ({self.severity})"
