"""Mutations of accounts."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import ApiToken, Membership, Organization, Team, User, validate_slug
from accounts.signals import organization_created
from accounts.support import require_own_hand
from accounts.tokens import digest_of, hint_of, new_secret
from gitslice.common.audit import record
from gitslice.common.errors import InvalidRequest, NameTaken, NotFound, PermissionDenied


def create_user(*, username: str, email: str = "", password: str | None = None) -> User:
    """A new active user. Raises InvalidRequest for a bad name or a weak password, NameTaken."""
    user = User(username=username, email=email)
    try:
        User.username_validator(username)
        if password is not None:
            validate_password(password, user)
    except ValidationError as error:
        raise InvalidRequest(" ".join(error.messages)) from None
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            record(organization=None, actor=user, action="user.create", object=username)
    except IntegrityError:
        raise NameTaken(f"there is a user {username!r} already") from None
    return user


def create_organization(*, slug: str, name: str = "", owner: User) -> Organization:
    """A new organization with its owner and its root slice. Raises InvalidRequest, NameTaken."""
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise InvalidRequest(f"organization {slug!r}: {error.messages[0]}") from None
    try:
        with transaction.atomic():
            organization = Organization.objects.create(slug=slug, name=name or slug)
            Membership.objects.create(organization=organization, user=owner, role=Membership.Role.OWNER)
            organization_created.send(Organization, organization=organization, owner=owner)
            record(organization=organization, actor=owner, action="organization.create", object=slug)
    except IntegrityError:
        raise NameTaken(f"there is an organization {slug!r} already") from None
    return organization


@transaction.atomic
def add_member(
    *, actor: User, organization: Organization, user: User, role: str = Membership.Role.MEMBER
) -> Membership:
    """Add a user or change the role of one. Only owners make owners."""
    own_role = require_admin(actor, organization)
    if role == Membership.Role.OWNER and own_role != Membership.Role.OWNER:
        raise PermissionDenied(f"only owners of {organization} may make owners")
    membership, _ = Membership.objects.update_or_create(
        organization=organization, user=user, defaults={"role": role}
    )
    record(
        organization=organization,
        actor=actor,
        action="member.add",
        object=user.username,
        detail={"role": role},
    )
    return membership


@transaction.atomic
def create_team(
    *, actor: User, organization: Organization, slug: str, name: str = "", members: list[User]
) -> Team:
    require_admin(actor, organization)
    team = Team.objects.create(organization=organization, slug=slug, name=name or slug)
    team.members.set(members)
    names = [member.username for member in members]
    record(
        organization=organization, actor=actor, action="team.create", object=slug, detail={"members": names}
    )
    return team


def role_in(user: User, organization: Organization) -> str | None:
    """The user's role in the organization; None for strangers. Superusers count as owners."""
    if user.is_superuser:
        return Membership.Role.OWNER
    return (
        Membership.objects.filter(user=user, organization=organization).values_list("role", flat=True).first()
    )


def require_admin(user: User, organization: Organization) -> str:
    """The user's role, which is owner or admin. Raises PermissionDenied."""
    role = role_in(user, organization)
    if role not in (Membership.Role.OWNER, Membership.Role.ADMIN):
        raise PermissionDenied(f"only owners and admins of {organization} may do this")
    return role


@transaction.atomic
def create_token(*, user: User, name: str, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
    """A new API token and its secret, which is shown this once and never stored."""
    require_own_hand()
    secret = new_secret()
    token = ApiToken.objects.create(
        user=user, name=name, digest=digest_of(secret), hint=hint_of(secret), expires_at=expires_at
    )
    record(organization=None, actor=user, action="token.create", object=token.hint, detail={"name": name})
    return token, secret


@transaction.atomic
def revoke_token(*, actor: User, token_id: int) -> None:
    """Revoke one of the actor's own tokens; NotFound for anybody else's."""
    require_own_hand()
    token = ApiToken.objects.select_for_update().filter(user=actor, pk=token_id).first()
    if token is None:
        raise NotFound("no such token")
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record(organization=None, actor=actor, action="token.revoke", object=token.hint)
