"""What a user may do in a slice."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import AnonymousUser

from accounts.models import Membership, Organization, User
from accounts.people.belonging import TEAMS_OF_USER
from accounts.token_limits import limit_of
from gitslice.common.rows import Columns, fetch_row
from slices.errors import SliceForbidden
from slices.models import Commit, Definition, Slice, SliceRole

READER, WRITER, MAINTAINER = SliceRole.Role.READER, SliceRole.Role.WRITER, SliceRole.Role.MAINTAINER
RANK: dict[str | None, int] = {None: 0, READER: 1, WRITER: 2, MAINTAINER: 3}

# Roles in the organization and in the slice, one's own and those of one's teams; their names do not overlap.
ROLES = f"""ARRAY(
    SELECT membership.role FROM accounts_membership membership
     WHERE membership.organization_id = slice.organization_id AND membership.user_id = %s
    UNION SELECT role.role FROM slices_slicerole role
     WHERE role.slice_id = slice.id AND (role.user_id = %s OR role.team_id IN
           ({TEAMS_OF_USER})))"""
ROLES_IN = f"SELECT {ROLES} FROM slices_slice slice WHERE slice.id = %s"

SLICE, ORGANIZATION = Columns(Slice, "slice"), Columns(Organization, "organization")
DEFINITION, HEAD = Columns(Definition, "definition"), Columns(Commit, "head")
NAMED = f"""
SELECT {SLICE.sql}, {ORGANIZATION.sql}, {DEFINITION.sql}, {HEAD.sql}, {ROLES}
  FROM slices_slice slice
  JOIN accounts_organization organization ON organization.id = slice.organization_id
  JOIN slices_definition definition ON definition.id = slice.definition_id
  LEFT JOIN slices_commit head ON head.id = slice.head_id
 WHERE organization.slug = %s AND slice.name = %s
"""


class Access:
    """The strongest of a user's roles in a slice: owners and admins of the organization maintain every slice; then
    one's own roles and those of one's teams; then what the slice's visibility gives. By a token that is limited to other
    slices there is none."""

    def __init__(
        self, slice: Slice, user: User | AnonymousUser, roles: Collection[str] | None = None
    ) -> None:
        self.slice = slice
        self.user = user
        self.role = self._strongest(set(self._stored_roles() if roles is None else roles))

    @property
    def can_read(self) -> bool:
        return RANK[self.role] >= RANK[READER]

    @property
    def can_write(self) -> bool:
        return RANK[self.role] >= RANK[WRITER]

    @property
    def can_maintain(self) -> bool:
        return RANK[self.role] >= RANK[MAINTAINER]

    def require_writer(self) -> None:
        if not self.can_write:
            raise SliceForbidden(f"you may not write to {self.slice}", slice=str(self.slice), role=self.role)

    def require_maintainer(self) -> None:
        if not self.can_maintain:
            raise SliceForbidden(f"you do not maintain {self.slice}", slice=str(self.slice), role=self.role)

    def _strongest(self, roles: set[str]) -> str | None:
        limit = limit_of(self.user)
        if limit is not None and self.slice.pk not in limit:
            return None
        if self.user.is_superuser or Membership.Role.OWNER in roles or Membership.Role.ADMIN in roles:
            return MAINTAINER
        if self._seen_by(is_member=Membership.Role.MEMBER in roles):
            roles.add(READER)
        return max((role for role in roles if role in RANK), key=lambda role: RANK[role], default=None)

    def _stored_roles(self) -> Collection[str]:
        if not self.user.is_authenticated:
            return ()
        row = fetch_row(ROLES_IN, [self.user.pk] * 3 + [self.slice.pk])
        return row[0] if row else ()

    def _seen_by(self, *, is_member: bool) -> bool:
        visibility = self.slice.visibility
        return visibility == Slice.Visibility.PUBLIC or (
            visibility == Slice.Visibility.ORGANIZATION and is_member
        )


def find_access(user: User | AnonymousUser, organization: str, name: str) -> Access | None:
    """The user's access to the slice with these names, in one question; None unless the user may read it. Its slice
    has organization, definition and head loaded. It admits whom `visible_to` admits."""
    row = fetch_row(NAMED, [user.pk] * 3 + [organization, name])
    if row is None:
        return None
    values = iter(row)
    slice = SLICE.take(values)
    slice.organization, slice.definition = ORGANIZATION.take(values), DEFINITION.take(values)
    head = HEAD.take(values)
    slice.head = head if head.pk else None
    access = Access(slice, user, next(values))
    return access if access.can_read else None


def administers(user: User, organization_id: int) -> bool:
    """Is the user an owner or admin of the organization? They may cover, read and maintain everything in it, unless their
    token is limited to slices."""
    if limit_of(user) is not None:
        return False
    if user.is_superuser:
        return True
    roles = (Membership.Role.OWNER, Membership.Role.ADMIN)
    return Membership.objects.filter(user=user, organization=organization_id, role__in=roles).exists()
