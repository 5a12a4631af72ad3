"""What the pages of an organization have in common."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts.api.access import administered_organization, own_organization, signed_in
from accounts.models import Membership, Organization
from accounts.services import role_in
from gitslice.common.errors import InvalidRequest

ADMINISTERING = (Membership.Role.OWNER, Membership.Role.ADMIN)


def shown_organization(request: HttpRequest, org: str) -> Organization:
    """The organization for its members. Raises OrganizationNotFound, Unauthenticated."""
    return own_organization(signed_in(request.user), org)


def managed_organization(request: HttpRequest, org: str) -> Organization:
    """The organization for its owners and admins. Raises as `shown_organization`, PermissionDenied."""
    return administered_organization(request.user, org)


def framed(request: HttpRequest, organization: Organization, tab: str, **context: Any) -> dict[str, Any]:
    """The context of a page of the organization: tabs, what the reader may do."""
    own_role = role_in(signed_in(request.user), organization)
    return {
        "organization": organization,
        "org": organization.slug,
        "tab": tab,
        "own_role": own_role,
        "administers": own_role in ADMINISTERING,
        "roles": [role for role in Membership.Role.values if role != "owner" or own_role == "owner"],
    } | context


def field(request: HttpRequest, name: str) -> str:
    """A field of a form, without white space around it. Raises InvalidRequest for what the database does not take."""
    value = request.POST.get(name, "").strip()
    if "\0" in value:
        raise InvalidRequest(f"{name} has a NUL character")
    return value
