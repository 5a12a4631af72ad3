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

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "digest"], name="pack_once")]

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
    """A user uploaded a blob that another user's pack already holds, and so may name it too."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    blob = models.ForeignKey(Blob, on_delete=models.CASCADE, related_name="claims")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "blob"], name="blob_claim_once")]
