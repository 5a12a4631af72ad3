"""Memberships: who is in an organization, and as what. Joining is in services.py and invitations.py."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import Membership, Organization, User
from accounts.people.changes import OWNER, check_name, drop_member, lock_organization
from accounts.people.errors import MemberNotFound
from accounts.services import add_member, require_admin
from accounts.token_limits import require_unlimited
from gitslice.common.audit import record
from gitslice.common.errors import InvalidRequest, PermissionDenied


def find_members(organization: Organization, search: str = "") -> QuerySet[Membership]:
    """Members by user name, users loaded; those whose user name or name has this text."""
    rows = organization.memberships.select_related("user").order_by("user__username")
    for word in search.split():
        rows = rows.filter(
            Q(user__username__icontains=word)
            | Q(user__first_name__icontains=word)
            | Q(user__last_name__icontains=word)
        )
    return rows


def find_member(organization: Organization, username: str) -> Membership:
    """Raises MemberNotFound."""
    named = "\0" not in username
    membership = find_members(organization).filter(user__username=username).first() if named else None
    if membership is None:
        raise MemberNotFound(f"{organization} has no member {username[:150]!r}")
    return membership


def colleagues(user: User) -> QuerySet[User]:
    """Whom a user may know by name: everybody in the user's organizations. Superusers know all."""
    people = User.objects.filter(is_active=True, service_of=None)
    if user.is_superuser:
        return people
    return people.filter(memberships__organization__memberships__user=user).distinct()


@transaction.atomic
def change_role(*, actor: User, membership: Membership, role: str) -> Membership:
    """Only owners make owners, or unmake them. Raises PermissionDenied, LastOwner, MemberNotFound."""
    organization = membership.organization
    lock_organization(organization)
    current = find_member(organization, membership.user.username)
    return add_member(actor=actor, organization=organization, user=current.user, role=role)


@transaction.atomic
def remove_member(*, actor: User, membership: Membership) -> None:
    """Admins remove members and admins, owners anybody, everybody themselves; but never the last owner.

    Raises PermissionDenied, LastOwner, MemberNotFound.
    """
    organization = membership.organization
    lock_organization(organization)
    current = find_member(organization, membership.user.username)
    if current.user_id == actor.pk:
        require_unlimited(actor)
    else:
        own_role = require_admin(actor, organization)
        if current.role == OWNER and own_role != OWNER:
            raise PermissionDenied(f"only owners of {organization} may remove owners")
    drop_member(organization, current.user, actor)


@transaction.atomic
def rename_organization(*, actor: User, organization: Organization, name: str) -> Organization:
    """Change the name that people read; the one in addresses stays."""
    require_admin(actor, organization)
    name = name.strip()
    if not name:
        raise InvalidRequest("an organization needs a name")
    check_name(name)
    organization.name = name
    organization.save(update_fields=["name"])
    record(
        organization=organization,
        actor=actor,
        action="organization.change",
        object=organization.slug,
        detail={"name": name},
    )
    return organization
