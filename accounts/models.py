"""People, organizations, teams, roles, tokens and the audit trail."""

from collections.abc import Iterator

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from accounts.devices.models import CodeGuess, DeviceGrant  # noqa: F401 (Django finds models here)
from accounts.people.models import Invitation  # noqa: F401 (Django finds models here)
from accounts.querysets import OrganizationQuerySet
from accounts.quotas.models import Quota  # noqa: F401 (likewise)
from accounts.scim.models import ScimGroup, ScimToken, ScimUser  # noqa: F401
from accounts.scopes import Scope, every_scope
from accounts.sso.models import Domain, GroupMapping, IdentityProvider  # noqa: F401 (likewise)
from accounts.trail.models import AuditLink  # noqa: F401 (Django finds models here)
from accounts.webhooks.models import Webhook, WebhookDelivery  # noqa: F401 (Django finds models here)

SLUG_PATTERN = r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?"
validate_slug = RegexValidator(
    rf"^{SLUG_PATTERN}\Z",
    "Use 1 to 64 lower-case letters, digits, '.', '_' or '-', beginning and ending with a letter or digit.",
)
# First parts of addresses: no organization can have them, nor those that we may want one day.
RESERVED = {
    *("account", "admin", "api", "audit", "changesets", "conflicts", "device", "docs", "global", "help"),
    *(
        "invitations",
        "livez",
        "login",
        "logout",
        "metrics",
        "new",
        "profile",
        "readyz",
        "scim",
        "search",
        "settings",
    ),
    *("slices", "sso", "static", "support", "teams", "users"),
}


class User(AbstractUser):
    """A person or a machine that signs in. Deactivation (`is_active`) revokes everything at once: sessions of an
    earlier generation are over (accounts/people/changes.py).

    A service account is of one organization (`service_of`): it has tokens only, neither password nor e-mail address.
    """

    service_of = models.ForeignKey(
        "Organization", on_delete=models.PROTECT, null=True, blank=True, related_name="service_accounts"
    )
    session_generation = models.PositiveIntegerField(default=0, editable=False)
    token: "ApiToken | None" = (
        None  # of this request: it narrows what the user may do (accounts/token_limits.py)
    )

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(service_of=None) | Q(password__startswith="!", email=""),
                name="machines_have_no_password",
            ),
        ]

    def get_session_auth_hash(self) -> str:
        return f"{super().get_session_auth_hash()}{self.session_generation or ''}"

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        for value in super().get_session_auth_fallback_hash():
            yield f"{value}{self.session_generation or ''}"


class Organization(models.Model):
    """The tenant: users, teams, one tree, many slices."""

    slug = models.CharField(max_length=64, unique=True, validators=[validate_slug])
    name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    members: "models.ManyToManyField[User, Membership]" = models.ManyToManyField(
        User, through="Membership", related_name="organizations"
    )

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class Membership(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner"
        ADMIN = "admin"
        MEMBER = "member"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}: {self.role}"


class Team(models.Model):
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="teams")
    slug = models.CharField(max_length=64, validators=[validate_slug])
    name = models.CharField(max_length=200, blank=True)
    members: "models.ManyToManyField[User, models.Model]" = models.ManyToManyField(
        User, related_name="teams", blank=True
    )
    parent = models.ForeignKey(  # which has none itself
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="children"
    )

    class Meta:
        ordering = ["slug"]
        constraints = [models.UniqueConstraint(fields=["organization", "slug"], name="team_slug_once")]

    def __str__(self) -> str:
        return f"{self.organization}/{self.slug}"

    def clean(self) -> None:
        """For forms that change teams without accounts/people/teams.py."""
        if self.parent is None:
            return
        if self.parent == self or self.parent.parent_id or (self.pk and self.children.exists()):
            raise ValidationError({"parent": "Teams are nested once."})
        if self.parent.organization_id != self.organization_id:
            raise ValidationError({"parent": "The parent is of another organization."})


class ApiToken(models.Model):
    """A bearer token. Only its SHA-256 is stored; `hint` are its first characters, shown in lists. `slices` are the ids
    of those that it is limited to, NULL where it is not."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.BinaryField(max_length=32, unique=True)
    hint = models.CharField(max_length=12)
    scopes = ArrayField(models.CharField(max_length=8, choices=Scope), default=every_scope)
    slices = ArrayField(models.BigIntegerField(), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.hint}… ({self.name})"


class AuditEvent(models.Model):
    """One mutation: who did what to which object, when and from where. Never updated nor deleted: the
    database refuses it. `link` is its place in the chain (accounts/trail/)."""

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, related_name="audit_events"
    )
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    token = models.ForeignKey(ApiToken, on_delete=models.PROTECT, null=True, related_name="+")
    action = models.CharField(max_length=64)
    object = models.CharField(max_length=300)
    detail = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "-id"], name="audit_by_organization")]

    def __str__(self) -> str:
        return f"{self.action} {self.object}"


class Event(models.Model):
    """Something that watchers hear of, written in the transaction that does it (accounts/events.py).

    `position` orders the events of all organizations for readers: it is given after commit, so that no smaller one can
    still appear. `slices` are the slices it happened in, the authoring one first; who sees none of them does not hear
    of it. `users` are the people whom it concerns. An organization of NULL concerns all.
    """

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    position = models.BigIntegerField(null=True, unique=True)
    kind = models.CharField(max_length=32)  # changeset.created, conflict.opened, ..., access
    slices = ArrayField(models.BigIntegerField(), default=list)
    users = ArrayField(models.BigIntegerField(), default=list)
    changeset = models.BigIntegerField(null=True)  # its id
    body = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "position"], name="event_by_organization"),
            models.Index(fields=["id"], condition=models.Q(position=None), name="event_without_position"),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.kind}"

    @property
    def place(self) -> int:
        """The position of an event that has one."""
        assert self.position is not None
        return self.position


class IdempotencyKey(models.Model):
    """The answer given to a request that carried an `Idempotency-Key`; written in the request's transaction."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=128)
    fingerprint = models.BinaryField(max_length=32)  # SHA-256 of method, path and body
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]
