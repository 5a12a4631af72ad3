"""What a user may do in a slice."""

from __future__ import annotations

from functools import cached_property

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from accounts.models import Membership, User
from slices.errors import SliceForbidden
from slices.models import Slice, SliceRole

READER, WRITER, MAINTAINER = SliceRole.Role.READER, SliceRole.Role.WRITER, SliceRole.Role.MAINTAINER
RANK: dict[str | None, int] = {None: 0, READER: 1, WRITER: 2, MAINTAINER: 3}


class Access:
    """The strongest of a user's roles in a slice, looked up once: owners and admins of the organization maintain every
    slice; then one's own roles and those of one's teams; then what the slice's visibility gives."""

    def __init__(self, slice: Slice, user: User | AnonymousUser) -> None:
        self.slice = slice
        self.user = user

    @cached_property
    def role(self) -> str | None:
        roles = self._roles()
        if self.user.is_superuser or Membership.Role.OWNER in roles or Membership.Role.ADMIN in roles:
            return MAINTAINER
        if self._seen_by(is_member=Membership.Role.MEMBER in roles):
            roles.add(READER)
        return max((role for role in roles if role in RANK), key=lambda role: RANK[role], default=None)

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

    def _roles(self) -> set[str]:
        """Roles in the organization and in the slice, in one query; their names do not overlap."""
        if not self.user.is_authenticated:
            return set()
        memberships = Membership.objects.filter(user=self.user, organization=self.slice.organization_id)
        roles = SliceRole.objects.filter(Q(user=self.user) | Q(team__members=self.user), slice=self.slice)
        return set(memberships.values_list("role", flat=True).union(roles.values_list("role", flat=True)))

    def _seen_by(self, *, is_member: bool) -> bool:
        visibility = self.slice.visibility
        return visibility == Slice.Visibility.PUBLIC or (
            visibility == Slice.Visibility.ORGANIZATION and is_member
        )


def administers(user: User, organization_id: int) -> bool:
    """Is the user an owner or admin of the organization? They may cover, read and maintain everything in it."""
    if user.is_superuser:
        return True
    roles = (Membership.Role.OWNER, Membership.Role.ADMIN)
    return Membership.objects.filter(user=user, organization=organization_id, role__in=roles).exists()
