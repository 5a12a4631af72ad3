"""Deactivation: sessions, tokens and streams end at once; what the user did, and the roles, stay on record."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Organization, User
from accounts.people.changes import (
    OWNER,
    deactivate,
    lock_organization,
    lock_user,
    reactivate,
    require_other_owner,
)
from accounts.people.members import find_member
from accounts.revocation import require_not_above, require_staff
from accounts.services import require_admin
from accounts.token_limits import require_unlimited
from gitslice.common.errors import InvalidRequest, PermissionDenied


@transaction.atomic
def deactivate_user(*, actor: User, user: User, organization: Organization | None = None) -> User:
    """Staff may who change users, with anybody but staff and superusers, who are left to superusers; and owners and admins of the
    only organization that the user belongs to.

    Raises PermissionDenied, LastOwner, MemberNotFound, InvalidRequest for oneself.
    """
    _authorise(actor, user, organization)
    if organization is not None and find_member(organization, user.username).role == OWNER:
        require_other_owner(organization, user)
    deactivate(user, organization, actor)
    return user


@transaction.atomic
def reactivate_user(*, actor: User, user: User, organization: Organization | None = None) -> User:
    """Who may deactivate may reactivate. The user signs in anew and makes new tokens."""
    _authorise(actor, user, organization)
    reactivate(user, organization, actor)
    return user


def _authorise(actor: User, user: User, organization: Organization | None) -> None:
    require_unlimited(actor)
    if user.pk == actor.pk:
        raise InvalidRequest("nobody deactivates themselves")
    if organization is None:
        require_staff(actor)
        require_not_above(actor, user)
        return
    lock_organization(organization)
    own_role = require_admin(actor, organization)
    membership = find_member(organization, user.username)
    if actor.is_superuser:
        return
    lock_user(user)
    if user.is_superuser or user.memberships.exclude(organization=organization).exists():
        raise PermissionDenied(
            f"{user.username} does not belong to {organization} alone",
            hint="remove them from the organization instead",
        )
    if membership.role == OWNER and own_role != OWNER:
        raise PermissionDenied(f"only owners of {organization} may do this to owners")
