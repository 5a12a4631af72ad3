"""Conflicts: stored facts about paths on which a changeset collides with what landed, or with another open changeset."""

from django.conf import settings
from django.db import models

from conflicts.querysets import ConflictEventQuerySet, ConflictQuerySet


class Conflict(models.Model):
    """This path of this changeset collides with that commit, or with that other open changeset (`their_changeset`, whose
    id is then the larger one). One row a collision: opened, updated, closed."""

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
    their_changeset = models.ForeignKey(
        "changesets.Changeset", on_delete=models.CASCADE, null=True, related_name="conflicts_met"
    )
    their_patchset = models.ForeignKey(
        "changesets.Patchset", on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    their_path = models.TextField(
        blank=True, db_collation="C"
    )  # where it is not `path`: renames, file against folder
    base = models.JSONField(null=True)  # entry {mode, digest, size} or null
    ours = models.JSONField(null=True)
    theirs = models.JSONField(null=True)
    hunks = models.JSONField(default=list)
    hint = models.TextField(blank=True)  # what happened
    advice = models.TextField(blank=True)  # what to do about it
    resolution = models.CharField(max_length=8, blank=True)  # ours | theirs | auto | manual | force
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="assigned_conflicts"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ConflictQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["changeset", "path"],
                condition=models.Q(state="open", their_changeset=None),
                name="conflict_with_landed_once",
            ),
            models.UniqueConstraint(
                fields=["changeset", "their_changeset", "path"],
                condition=models.Q(state="open"),
                name="conflict_with_open_once",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "state"], name="conflict_by_state"),
            models.Index(fields=["organization", "path"], name="conflict_by_path"),
            models.Index(fields=["organization", "created_at"], name="conflict_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.path}: {self.kind} ({self.severity})"

    @property
    def blocks(self) -> bool:
        """Whether its changeset cannot land as long as it is open."""
        return self.their_changeset_id is None and self.severity != self.Severity.LOW


class ConflictEvent(models.Model):
    """What happened to a conflict: opened or closed by a worker (`actor` NULL), decided or discussed by people."""

    class Action(models.TextChoices):
        OPENED = "opened"
        UPDATED = "updated"
        RESOLVED = "resolved"
        OBSOLETE = "obsolete"
        ASSIGNED = "assigned"
        COMMENTED = "commented"

    conflict = models.ForeignKey(Conflict, on_delete=models.CASCADE, related_name="events")
    action = models.CharField(max_length=9, choices=Action)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    body = models.TextField(blank=True)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    objects = ConflictEventQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.conflict_id} {self.action}"


class OpenEdit(models.Model):
    """An edit of an open changeset's current patchset, for the lookup by path. Derived: detection writes it first, and
    `manage.py rebuild_open_edits` writes it anew."""

    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    path = models.TextField(db_collation="C")
    changeset = models.ForeignKey(
        "changesets.Changeset", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    patchset = models.ForeignKey(
        "changesets.Patchset", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    seen_seq = models.BigIntegerField(
        null=True
    )  # of the path head it was compared with (0: none); NULL: not yet

    class Meta:
        constraints = [models.UniqueConstraint(fields=["changeset", "path"], name="open_edit_once")]
        indexes = [models.Index(fields=["organization", "path"], name="open_edit_by_path")]

    def __str__(self) -> str:
        return self.path


class FailedTask(models.Model):
    """A task that failed for good, for an administrator to see and to run again."""

    name = models.CharField(max_length=200)
    arguments = models.JSONField(default=list)
    error = models.TextField()
    at = models.DateTimeField(auto_now_add=True)
    retried_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} {self.arguments}"


class MailChoice(models.Model):
    """What a user wants to hear of by e-mail. Who never chose hears of conflicts and reviews, not of landings."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="mail_choice"
    )
    conflicts = models.BooleanField(default=True)  # that concern one's changesets or are assigned to one
    reviews = models.BooleanField(default=True)  # asked of one, or given on one's changesets
    landings = models.BooleanField(default=False)  # of one's changesets, by others

    def __str__(self) -> str:
        return f"mail for {self.user}"


class MailCursor(models.Model):
    """The last event that mails were written for. One row."""

    position = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.position)
