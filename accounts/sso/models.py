from __future__ import annotations

import secrets

from django.db import models

KEY = "o"  # and an organization's id: in the URLs that its provider knows, and in SocialAccount.provider of who is linked


def key_of(organization_id: int) -> str:
    return f"{KEY}{organization_id}"


def new_proof() -> str:
    return secrets.token_hex(16)


class IdentityProvider(models.Model):
    """Who an organization lets vouch for its people. Secrets are sealed (gitslice/common/secrets.py)."""

    class Protocol(models.TextChoices):
        OIDC = "oidc", "OpenID Connect"
        SAML = "saml", "SAML 2.0"

    organization = models.OneToOneField(
        "accounts.Organization", on_delete=models.CASCADE, related_name="identity_provider"
    )
    protocol = models.CharField(max_length=8, choices=Protocol)
    issuer = models.CharField(max_length=1000)  # of SAML: the entity id
    active = models.BooleanField(default=False)
    enforced = models.BooleanField(default=False)
    groups_claim = models.CharField(max_length=300, default="groups")
    tested_at = models.DateTimeField(null=True)  # with the settings as they are

    client_id = models.CharField(max_length=500, blank=True)  # OpenID Connect
    client_secret = models.TextField(blank=True)  # sealed

    sso_url = models.CharField(max_length=2000, blank=True)  # SAML
    slo_url = models.CharField(max_length=2000, blank=True)
    certificate = models.TextField(blank=True)  # PEM, what the provider signs with
    own_key = models.TextField(blank=True)  # PEM, sealed: what we sign with
    own_certificate = models.TextField(blank=True)  # PEM

    def __str__(self) -> str:
        return f"{self.get_protocol_display()} of {self.organization}"

    @property
    def key(self) -> str:
        return key_of(self.organization_id)


class Domain(models.Model):
    """A domain of e-mail addresses that an organization says is its own. Once that is verified, its identity provider
    may make accounts for these addresses; a domain is verified for one organization at most."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="domains"
    )
    name = models.CharField(max_length=253)
    proof = models.CharField(max_length=64, default=new_proof)  # what the DNS must say
    verified_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="domain_once"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(verified_at__isnull=False), name="domain_verified_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class GroupMapping(models.Model):
    """Who is in this group at the identity provider is in this team, as of the last sign-in."""

    provider = models.ForeignKey(
        IdentityProvider, on_delete=models.CASCADE, related_name="mappings", db_index=False
    )
    group = models.CharField(max_length=300)
    team = models.ForeignKey("accounts.Team", on_delete=models.CASCADE, related_name="+")

    class Meta:
        ordering = ["group", "id"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "group", "team"], name="group_mapped_once")
        ]

    def __str__(self) -> str:
        return f"{self.group} -> {self.team}"
