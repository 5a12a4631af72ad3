"""What every API view needs of accounts: who asks, and the organization that a URL names."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser

from accounts.errors import OrganizationNotFound
from accounts.models import Organization, Quota, User
from accounts.quotas.services import quota_of
from accounts.services import require_admin, role_in
from accounts.token_limits import limit_of
from gitslice.common.errors import PermissionDenied, Unauthenticated
from gitslice.common.rows import Columns, fetch_row

ORGANIZATION, QUOTA = Columns(Organization, "organization"), Columns(Quota, "quota")
OWN = f"""
SELECT {ORGANIZATION.sql}, {QUOTA.sql} FROM accounts_organization organization
  JOIN accounts_membership membership ON membership.organization_id = organization.id
  JOIN accounts_quota quota ON quota.organization_id = organization.id AND quota.kind = '{Quota.Kind.BYTES}'
 WHERE organization.slug = %s AND membership.user_id = %s
"""


def signed_in(user: User | AnonymousUser) -> User:
    """The user, or Unauthenticated."""
    if not isinstance(user, User):
        raise Unauthenticated()
    return user


def visible_organization(user: User | AnonymousUser, slug: str) -> Organization:
    """The organization if the user may see it; else OrganizationNotFound, or Unauthenticated for strangers."""
    named = "\0" not in slug  # which the database does not take in a text
    organization = Organization.objects.visible_to(user).filter(slug=slug).first() if named else None
    if organization is None:
        signed_in(user)
        raise OrganizationNotFound(f"there is no organization {slug!r}")
    return organization


def own_organization(user: User, slug: str) -> Organization:
    """The organization if the user is a member; else OrganizationNotFound, even if it shows public slices."""
    organization = visible_organization(user, slug)
    if role_in(user, organization) is None:
        raise OrganizationNotFound(f"there is no organization {slug!r}")
    return organization


def administered_organization(user: User | AnonymousUser, slug: str) -> Organization:
    """The organization if the user is an owner or admin of it. Raises as own_organization, PermissionDenied."""
    user = signed_in(user)
    organization = own_organization(user, slug)
    require_admin(user, organization)
    return organization


def uploading_organization(user: User | AnonymousUser, slug: str) -> tuple[Organization, Quota]:
    """The organization, and its quota of bytes, if the user may upload to it: members may. Raises as
    visible_organization, PermissionDenied."""
    user = signed_in(user)
    row = fetch_row(OWN, [slug, user.pk]) if "\0" not in slug and limit_of(user) is None else None
    if row is not None:
        values = iter(row)
        return ORGANIZATION.take(values), QUOTA.take(values)
    organization = visible_organization(user, slug)
    if role_in(user, organization) is None:
        raise PermissionDenied(f"you are not a member of {slug}")
    return organization, quota_of(organization, Quota.Kind.BYTES)
