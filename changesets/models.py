"""Changesets: proposed changes to one slice, their patchsets, edits, reviews and comments."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.contrib.postgres.indexes import HashIndex
from django.db import models

from changesets.edits import PathEdit
from changesets.querysets import ChangesetQuerySet
from slices.models import PathVersion


class ChangesetCounter(models.Model):
    """The last number given to a changeset of an organization."""

    organization = models.OneToOneField("accounts.Organization", on_delete=models.CASCADE, primary_key=True)
    last = models.BigIntegerField(default=0)


class Changeset(models.Model):
    class State(models.TextChoices):
        PENDING = "pending"
        IN_REVIEW = "in_review"
        APPROVED = "approved"
        MERGED = "merged"
        REJECTED = "rejected"
        ABANDONED = "abandoned"

    OPEN_STATES = (State.PENDING, State.IN_REVIEW, State.APPROVED)

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="changesets", db_index=False
    )
    number = models.BigIntegerField()
    slice = models.ForeignKey("slices.Slice", on_delete=models.PROTECT, related_name="changesets")
    title = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="changesets")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    patchset = models.ForeignKey(
        "Patchset", on_delete=models.PROTECT, null=True, related_name="+"
    )  # the current one
    commit = models.OneToOneField(
        "slices.Commit", on_delete=models.PROTECT, null=True, related_name="changeset"
    )
    reviewers: models.ManyToManyField[models.Model, models.Model] = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="review_requests"
    )
    closed_reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ChangesetQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="changeset_number_once")
        ]
        indexes = [models.Index(fields=["slice", "state"], name="changeset_by_slice_state")]

    def __str__(self) -> str:
        return f"cl-{self.number}"

    @property
    def current(self) -> Patchset:
        """The current patchset; there is one from the transaction on that makes the changeset."""
        assert self.patchset is not None
        return self.patchset

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN_STATES


class Patchset(models.Model):
    """One immutable version of a changeset. `digest` covers its edits and their bases, and pins approvals and landing."""

    class Origin(models.TextChoices):
        EDIT = "edit"  # handed in whole
        AMEND = "amend"  # edits added to those of the patchset before
        REBASE = "rebase"
        RESOLVE = "resolve"
        SUGGEST = "suggest"  # suggestions of reviewers, taken by the author

    changeset = models.ForeignKey(Changeset, on_delete=models.CASCADE, related_name="patchsets")
    number = models.PositiveIntegerField()
    base = models.ForeignKey(
        "slices.Commit", on_delete=models.PROTECT, null=True, related_name="+"
    )  # NULL: empty tree
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    message = models.TextField(blank=True)
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.EDIT)
    decisions = models.JSONField(
        default=dict
    )  # path -> ours | theirs | auto | manual, who chose it is the author
    digest = models.BinaryField(max_length=32)
    file_count = models.IntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    known_edits: tuple[PathEdit, ...] | None = None  # of a patchset that was written a moment ago

    class Meta:
        ordering = ["changeset", "number"]
        constraints = [models.UniqueConstraint(fields=["changeset", "number"], name="patchset_number_once")]

    def __str__(self) -> str:
        return f"{self.changeset}/{self.number}"


class Edit(models.Model):
    """What a patchset does to one path, with the base entry it was made on (NULL: the path did not stand there)."""

    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    patchset = models.ForeignKey(Patchset, on_delete=models.CASCADE, related_name="edits", db_index=False)
    path = models.TextField(db_collation="C")
    op = models.CharField(max_length=6, choices=PathVersion.Op)
    mode = models.CharField(max_length=6, null=True)
    digest = models.BinaryField(max_length=32, null=True)
    size = models.BigIntegerField(null=True)
    base_mode = models.CharField(max_length=6, null=True)
    base_digest = models.BinaryField(max_length=32, null=True)
    base_size = models.BigIntegerField(null=True)
    renamed_from = models.TextField(null=True, db_collation="C")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["patchset", "path"], name="edit_path_once")]
        indexes = [HashIndex(fields=["path"], name="edit_by_path")]

    def __str__(self) -> str:
        return f"{self.op} {self.path}"


class FileView(models.Model):
    """A reader has viewed a file of a changeset; `digest` stands for what was to be seen (slices/diff_facts.py)."""

    changeset = models.ForeignKey(Changeset, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    path = models.TextField(db_collation="C")
    digest = models.BinaryField(max_length=32)
    seen_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "changeset", "path"], name="file_view_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.path}"


class Review(models.Model):
    """What somebody says of a patchset as a whole. The newest verdict of a reviewer on it counts, unless withdrawn."""

    class Verdict(models.TextChoices):
        APPROVE = "approve"
        REJECT = "reject"  # asks for changes
        COMMENT = "comment"  # says something, and decides nothing

    DECIDING = (Verdict.APPROVE, Verdict.REJECT)

    changeset = models.ForeignKey(Changeset, on_delete=models.CASCADE, related_name="reviews")
    patchset = models.ForeignKey(Patchset, on_delete=models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=8, choices=Verdict)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]


class Place(models.Model):
    """Where something is said: lines `start` to `line` of one side of a file (no lines: of the file as a whole). `digest`
    is the content that they stand in, `quote` the lines themselves: so they can be shown, and followed to later
    patchsets, without the edits of the patchset that they are of."""

    class Side(models.TextChoices):
        OLD = "old"
        NEW = "new"

    path = models.TextField(blank=True)
    side = models.CharField(max_length=3, choices=Side, default=Side.NEW)
    start = models.PositiveIntegerField(null=True)
    line = models.PositiveIntegerField(null=True)
    digest = models.BinaryField(max_length=32, null=True)
    quote = models.TextField(blank=True)

    class Meta:
        abstract = True

    @property
    def quoted_lines(self) -> list[str]:
        """Only a line feed ends a line, as in the file; a carriage return before it is not shown."""
        lines = self.quote.removesuffix("\n").split("\n") if self.quote else []
        return [line.removesuffix("\r") for line in lines]


class Thread(Place):
    """What was said about lines, or a file, of a patchset."""

    changeset = models.ForeignKey(Changeset, on_delete=models.CASCADE, related_name="threads")
    patchset = models.ForeignKey(Patchset, on_delete=models.CASCADE, related_name="threads")
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]


class Comment(models.Model):
    """Something said, of the changeset or (with a thread) of lines. `path` and `line` are those of its thread."""

    changeset = models.ForeignKey(Changeset, on_delete=models.CASCADE, related_name="comments")
    patchset = models.ForeignKey(Patchset, on_delete=models.CASCADE, related_name="comments")
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, null=True, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    path = models.TextField(blank=True)
    line = models.PositiveIntegerField(null=True)
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    applied_in = models.ForeignKey(  # the patchset that took its suggestion
        Patchset, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        ordering = ["id"]


class CommentVersion(models.Model):
    """What a comment said before it was edited or deleted. Only the administration shows it."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="versions")
    body = models.TextField()
    replaced_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]


class DraftComment(Place):
    """A comment that only its author sees, until it is submitted with a review. A table of its own, with ids that count
    nothing: no query about comments can come upon it."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    changeset = models.ForeignKey(Changeset, on_delete=models.CASCADE, related_name="+")
    patchset = models.ForeignKey(Patchset, on_delete=models.CASCADE, related_name="+")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, null=True, related_name="+")
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at"]
        indexes = [models.Index(fields=["changeset", "author"], name="draft_by_author")]


class Check(models.Model):
    """What a CI system reports of a patchset, under a name; the newest report of a name replaces the one before."""

    class State(models.TextChoices):
        PENDING = "pending"
        SUCCESS = "success"
        FAILURE = "failure"

    patchset = models.ForeignKey(Patchset, on_delete=models.CASCADE, related_name="checks")
    name = models.CharField(max_length=100)
    state = models.CharField(max_length=8, choices=State)
    url = models.URLField(max_length=2000, blank=True)
    summary = models.CharField(max_length=1000, blank=True)
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["patchset", "name"], name="check_name_once")]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class Attention(models.Model):
    """It is this user's turn to do something about the changeset. The rules are in changesets/attention.py."""

    class Reason(models.TextChoices):
        REQUESTED = "review_requested"
        PATCHSET = "new_patchset"
        ANSWERED = "answered"
        COMMENTED = "commented"
        MENTIONED = "mentioned"
        REJECTED = "changes_requested"
        CHECK = "check_failed"
        APPROVED = "approved"

    changeset = models.ForeignKey(Changeset, on_delete=models.CASCADE, related_name="attention")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=20, choices=Reason)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["changeset", "user"], name="attention_once")]
