"""The index of the object store: which pack holds which blob, and who uploaded it."""

from django.conf import settings
from django.db import models


class Pack(models.Model):
    """One object in object storage that holds many compressed blobs (format: docs/objects.md)."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="packs")
    digest = models.BinaryField(max_length=32)  # SHA-256 of the whole pack file; names the stored object
    size = models.BigIntegerField()  # bytes of the stored object
    blob_count = models.IntegerField()
    dictionary_offset = models.BigIntegerField(
        null=True
    )  # the compressed dictionary that its frames were made with
    dictionary_length = models.IntegerField(null=True)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    fresh_at = models.DateTimeField(null=True)  # when it was last uploaded again
    checked_at = models.DateTimeField(null=True)  # when all its bytes were last read and verified

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "digest"], name="pack_once")]
        indexes = [models.Index(models.F("checked_at").asc(nulls_first=True), name="pack_by_check")]

    def __str__(self) -> str:
        return bytes(self.digest).hex()


class Blob(models.Model):
    """Where one blob's frame lies: `length` bytes at `offset` of its pack; `size` bytes once decompressed."""

    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    digest = models.BinaryField(max_length=32)  # SHA-256 of the content
    git_id = models.BinaryField(max_length=20)  # SHA-1 that git gives the same content
    size = models.BigIntegerField()
    pack = models.ForeignKey(Pack, on_delete=models.PROTECT, related_name="blobs")
    offset = models.BigIntegerField()
    length = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "digest"], name="blob_once")]

    def __str__(self) -> str:
        return bytes(self.digest).hex()


class BlobClaim(models.Model):
    """A user uploaded a blob that another pack already holds: so they may name it too, and it is fresh again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    blob = models.ForeignKey(Blob, on_delete=models.CASCADE, related_name="claims")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "blob"], name="blob_claim_once")]


class PackRemoval(models.Model):
    """An object that no row names any more, or never did. It is deleted when it is due and still unnamed."""

    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    digest = models.BinaryField(max_length=32)  # of the pack; names the stored object
    reason = models.CharField(max_length=12)  # collected | compacted | orphan | redacted
    due_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "digest"], name="pack_removal_once")]

    def __str__(self) -> str:
        return bytes(self.digest).hex()


class Redaction(models.Model):
    """A content that was taken out of all history: its digest stays in commits, its bytes are gone and stay out."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="+")
    digest = models.BinaryField(max_length=32)
    size = models.BigIntegerField()
    reason = models.TextField()
    redacted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )  # NULL: the command line
    redacted_at = models.DateTimeField(auto_now_add=True)
    placeholder = models.BinaryField(max_length=32)  # the blob that readers are given instead
    purged_at = models.DateTimeField(null=True)  # when its bytes had gone from every object

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "digest"], name="redaction_once")]

    def __str__(self) -> str:
        return bytes(self.digest).hex()


class Damage(models.Model):
    """Something that a check found wrong. It stays, with the time it was mended, so that nobody is told twice."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    subject = models.TextField()  # pack, blob, commit or path
    problem = models.TextField()
    found_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()
    mended_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)  # when administrators were sent a mail of it

    class Meta:
        verbose_name_plural = "damage"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "subject", "problem"],
                condition=models.Q(mended_at=None),
                name="damage_open_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem}"


class CommitSample(models.Model):
    """Up to which commit the scheduled check has come; after the last one it begins again."""

    organization = models.OneToOneField(
        "accounts.Organization", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    seq = models.BigIntegerField(default=0)
    sampled_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.organization}: {self.seq}"
