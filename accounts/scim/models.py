from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower


class ScimToken(models.Model):
    """What an organization's directory signs in with. Only its SHA-256 is stored."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="scim_tokens"
    )
    name = models.CharField(max_length=100)
    digest = models.BinaryField(max_length=32, unique=True)
    hint = models.CharField(max_length=12)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.hint}… ({self.name})"


class ScimUser(models.Model):
    """What a directory knows of a user of its organization. It stays when the membership ends, so that the directory
    finds the user again. `provisioned`: the directory made the account; `suspended`: it has ended the account or the
    membership, and may give it back; `deleted`: it has deleted the user, and may make it again."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="scim_users"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="scim_users")
    user_name = models.CharField(max_length=254)
    external_id = models.CharField(max_length=254, blank=True)
    attributes = models.JSONField(
        default=dict
    )  # givenName, familyName, displayName, email: as the directory has them
    provisioned = models.BooleanField(default=False)
    suspended = models.BooleanField(default=False)
    deleted = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="scim_user_once"),
            models.UniqueConstraint("organization", Lower("user_name"), name="scim_user_name_once"),
        ]
        indexes = [models.Index(fields=["organization", "external_id"], name="scim_user_by_external_id")]

    def __str__(self) -> str:
        return f"{self.organization}: {self.user_name}"


class ScimGroup(models.Model):
    """What a directory calls a team."""

    team = models.OneToOneField("accounts.Team", on_delete=models.CASCADE, related_name="scim_group")
    external_id = models.CharField(max_length=254, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.team}"
