"""Mutations of service accounts, for owners and admins of their organization."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.errors import ServiceAccountNotFound
from accounts.models import ApiToken, Membership, Organization, User, validate_slug
from accounts.people.changes import deactivate
from accounts.services import create_token, require_admin, revoke_token
from gitslice.common.audit import record
from gitslice.common.errors import InvalidRequest, NameTaken


@transaction.atomic
def create_service_account(*, actor: User, organization: Organization, name: str) -> User:
    """A new member of the organization that signs in by tokens alone. Raises InvalidRequest, NameTaken."""
    require_admin(actor, organization)
    try:
        validate_slug(name)
    except ValidationError as error:
        raise InvalidRequest(f"service account {name!r}: {error.messages[0]}") from None
    account = User(username=username_of(organization, name), service_of=organization)
    account.set_unusable_password()
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError:
        raise NameTaken(f"there is a user {account.username!r} already") from None
    Membership.objects.create(organization=organization, user=account)
    record(organization=organization, actor=actor, action="service_account.create", object=account.username)
    return account


@transaction.atomic
def deactivate_service_account(*, actor: User, organization: Organization, account: User) -> None:
    """End it and all its tokens; what it did keeps its name."""
    require_admin(actor, organization)
    deactivate(account, organization, actor)


@transaction.atomic
def create_account_token(
    *,
    actor: User,
    organization: Organization,
    account: User,
    name: str,
    scopes: Collection[str],
    slices: Collection[int] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """A token of the service account, and its secret. Raises InvalidRequest if it is deactivated, TokenTooNarrow."""
    require_admin(actor, organization)
    return create_token(
        user=account, name=name, scopes=scopes, slices=slices, expires_at=expires_at, actor=actor
    )


def revoke_account_token(*, actor: User, organization: Organization, account: User, token_id: int) -> None:
    """Raises NotFound for a token that is not the account's."""
    require_admin(actor, organization)
    revoke_token(actor=actor, token_id=token_id, user=account)


def find_service_accounts(organization: Organization) -> QuerySet[User]:
    """By name; `live_tokens` counts those that are neither revoked nor expired."""
    live = Q(api_tokens__revoked_at=None) & (
        Q(api_tokens__expires_at=None) | Q(api_tokens__expires_at__gt=timezone.now())
    )
    accounts = organization.service_accounts.order_by("username")
    return accounts.annotate(live_tokens=Count("api_tokens", filter=live))


def find_service_account(organization: Organization, name: str) -> User:
    """By its own name. Raises ServiceAccountNotFound."""
    account = organization.service_accounts.filter(username=username_of(organization, name)).first()
    if account is None:
        raise ServiceAccountNotFound(f"{organization} has no service account {name!r}")
    return account


def username_of(organization: Organization, name: str) -> str:
    """`acme+deploy`: names of people and of other organizations' machines do not get in each other's way."""
    return f"{organization.slug}+{name}".replace("\0", "")


def name_of(account: User) -> str:
    return account.username.partition("+")[2]
