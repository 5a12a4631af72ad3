"""Mutations of accounts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import RESERVED, ApiToken, Membership, Organization, User, validate_slug
from accounts.people.changes import lock_organization, lock_user, require_person, set_member, sign_out
from accounts.quotas import services as quotas
from accounts.scopes import every_scope
from accounts.signals import organization_created
from accounts.sso.enforcement import owes_sign_in, require_way_in
from accounts.support import require_own_hand
from accounts.token_limits import limit_of, require_unlimited, require_within
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
    if User.objects.filter(username__iexact=username).exists():  # people sign in by it in any case
        raise NameTaken(f"there is a user {username!r} already")
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            record(organization=None, actor=user, action="user.create", object=username)
    except IntegrityError:
        raise NameTaken(f"there is a user {username!r} already") from None
    return user


def create_organization(*, slug: str, name: str = "", owner: User) -> Organization:
    """A new organization with its owner and its root slice. Raises InvalidRequest, NameTaken, PermissionDenied."""
    require_unlimited(owner)
    require_person(owner)
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise InvalidRequest(f"organization {slug!r}: {error.messages[0]}") from None
    if slug in RESERVED:
        raise InvalidRequest(f"organization {slug!r}: the name is taken by the server's own pages")
    try:
        with transaction.atomic():
            organization = Organization.objects.create(slug=slug, name=name or slug)
            Membership.objects.create(organization=organization, user=owner, role=Membership.Role.OWNER)
            quotas.begin(organization, members=1)
            organization_created.send(Organization, organization=organization, owner=owner)
            record(organization=organization, actor=owner, action="organization.create", object=slug)
    except IntegrityError:
        raise NameTaken(f"there is an organization {slug!r} already") from None
    return organization


@transaction.atomic
def add_member(
    *, actor: User, organization: Organization, user: User, role: str = Membership.Role.MEMBER
) -> Membership:
    """Add a user or change the role of one. Only owners make owners, or unmake them.

    Raises LastOwner, QuotaExceeded, NoWayIn."""
    lock_organization(organization)
    own_role = require_admin(actor, organization)
    before = organization.memberships.filter(user=user).values_list("role", flat=True).first()
    if Membership.Role.OWNER in (role, before) and own_role != Membership.Role.OWNER:
        raise PermissionDenied(f"only owners of {organization} may make owners, or change them")
    if before in (None, Membership.Role.OWNER) and role != Membership.Role.OWNER:
        require_way_in(organization, user)
    membership = set_member(organization, user, role, actor)
    if before != role and owes_sign_in(user):  # an owner who becomes less owes it too
        sign_out(User.objects.filter(pk=user.pk))
    return membership


def role_in(user: User, organization: Organization) -> str | None:
    """The user's role in the organization; None for strangers. Superusers count as owners; by a token that is limited
    to slices everybody is a member at most."""
    roles = Membership.objects.filter(user=user, organization=organization).values_list("role", flat=True)
    role = Membership.Role.OWNER if user.is_superuser else roles.first()
    return Membership.Role.MEMBER if role and limit_of(user) is not None else role


def require_admin(user: User, organization: Organization) -> str:
    """The user's role, which is owner or admin. Raises PermissionDenied."""
    role = role_in(user, organization)
    if role not in (Membership.Role.OWNER, Membership.Role.ADMIN):
        raise PermissionDenied(f"only owners and admins of {organization} may do this")
    return role


@transaction.atomic
def create_token(
    *,
    user: User,
    name: str,
    scopes: Iterable[str] = tuple(every_scope()),
    slices: Collection[int] | None = None,
    expires_at: datetime | None = None,
    actor: User | None = None,
) -> tuple[ApiToken, str]:
    """A new API token and its secret, which is shown this once and never stored. `actor` is who makes it, if not the
    user; they have been authorised. Raises TokenTooNarrow, PermissionDenied, InvalidRequest for who is deactivated."""
    require_own_hand()
    actor, scopes = actor or user, [scope for scope in every_scope() if scope in set(scopes)]
    if actor == user and user.service_of_id is not None:
        raise PermissionDenied("a service account makes no tokens for itself: its administrators do")
    require_within(actor, scopes, slices)
    if not lock_user(user).is_active:
        raise InvalidRequest(f"{user.username} is deactivated")
    secret = new_secret()
    token = ApiToken.objects.create(
        user=user,
        name=name,
        digest=digest_of(secret),
        hint=hint_of(secret),
        scopes=scopes,
        slices=None if slices is None else sorted(slices),
        expires_at=expires_at,
    )
    _audit_token(token, actor, "token.create", name=name, scopes=scopes, slices=token.slices)
    return token, secret


@transaction.atomic
def revoke_token(*, actor: User, token_id: int, user: User | None = None) -> None:
    """Revoke one of the actor's own tokens, or of the user's whom the actor administers; NotFound for all others."""
    require_own_hand()
    token = ApiToken.objects.select_for_update().filter(user=user or actor, pk=token_id).first()
    if token is None:
        raise NotFound("no such token")
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        _audit_token(token, actor, "token.revoke")


def _audit_token(token: ApiToken, actor: User, action: str, **detail: object) -> None:
    if token.user != actor:
        detail["user"] = token.user.username
    organization = token.user.service_of
    record(organization=organization, actor=actor, action=action, object=token.hint, detail=detail)
