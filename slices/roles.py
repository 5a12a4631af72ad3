"""Owners of a slice: its maintainers, users by name and teams as `team:slug`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from accounts.models import Organization, Team, User
from accounts.people.belonging import people_in
from accounts.people.changes import lock_organization
from gitslice.common.errors import InvalidRequest
from slices.access import MAINTAINER, RANK
from slices.models import Slice, SliceRole

TEAM = "team:"


@dataclass(frozen=True)
class Owners:
    """Users and teams of one organization."""

    users: tuple[User, ...]
    teams: tuple[Team, ...]

    def hold(self, user: User) -> bool:
        return user in self.users or people_in(self.teams).filter(pk=user.pk).exists()


def find_owners(organization: Organization, names: Sequence[str]) -> Owners:
    """The owners that `names` stand for, who stay members until the caller's transaction ends.

    Raises InvalidRequest for who is no member or team of the organization.
    """
    lock_organization(organization)
    team_names = {name.removeprefix(TEAM) for name in names if name.startswith(TEAM)}
    user_names = {name for name in names if not name.startswith(TEAM)}
    teams = organization.teams.filter(slug__in=team_names)
    users = User.objects.filter(
        username__in=user_names, is_active=True, memberships__organization=organization
    )
    found = Owners(tuple(users), tuple(teams))
    unknown = user_names - {user.username for user in found.users}
    unknown |= {f"{TEAM}{name}" for name in team_names - {team.slug for team in found.teams}}
    if unknown:
        raise InvalidRequest(f"{organization} has no {', '.join(sorted(unknown))}", owners=sorted(unknown))
    return found


def set_owners(slice: Slice, owners: Owners) -> None:
    """Make these, and nobody else, maintainers; readers and writers keep their roles."""
    SliceRole.objects.filter(slice=slice).filter(
        Q(role=MAINTAINER) | Q(user__in=owners.users) | Q(team__in=owners.teams)
    ).delete()
    SliceRole.objects.bulk_create(
        [SliceRole(slice=slice, user=user, role=MAINTAINER) for user in owners.users]
        + [SliceRole(slice=slice, team=team, role=MAINTAINER) for team in owners.teams]
    )


def owner_names(slice: Slice) -> list[str]:
    """As `find_owners` takes them, users first."""
    roles = [role for role in roles_of(slice) if role.role == MAINTAINER]
    return [name_of(role) for role in roles]


def roles_of(slice: Slice) -> list[SliceRole]:
    """All roles in the slice, the strongest first, users before teams; user and team loaded."""
    roles = SliceRole.objects.filter(slice=slice).select_related("user", "team")
    return sorted(roles, key=lambda role: (-RANK[role.role], role.user is None, name_of(role)))


def name_of(role: SliceRole) -> str:
    if role.user is not None:
        return role.user.username
    assert role.team is not None, "a role is a user's or a team's"
    return f"{TEAM}{role.team.slug}"
