"""Teams, nested once. Members of a team count as members of its parent wherever roles are looked up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet

from accounts.models import Organization, Team, User
from accounts.people import changes
from accounts.people.changes import lock_organization
from accounts.people.errors import TeamNotFound
from accounts.services import require_admin
from gitslice.common.errors import InvalidRequest


def find_teams(organization: Organization) -> QuerySet[Team]:
    """By name; each with the number of its own members."""
    rows = organization.teams.select_related("organization", "parent").order_by("slug")
    return rows.annotate(member_count=Count("members"))


def find_team(organization: Organization, slug: str) -> Team:
    """Raises TeamNotFound."""
    named = "\0" not in slug
    teams = organization.teams.select_related("organization", "parent")
    team = teams.filter(slug=slug).first() if named else None
    if team is None:
        raise TeamNotFound(f"{organization} has no team {slug[:64]!r}")
    return team


def find_people(organization: Organization, usernames: Sequence[str]) -> list[User]:
    """Members of the organization by name. Raises InvalidRequest for others."""
    wanted = {name for name in usernames if "\0" not in name}
    found = list(User.objects.filter(username__in=wanted, memberships__organization=organization))
    unknown = sorted(set(usernames) - {user.username for user in found})
    if unknown:
        raise InvalidRequest(f"{organization} has no member {', '.join(unknown)}", users=unknown)
    return found


@transaction.atomic
def create_team(
    *,
    actor: User,
    organization: Organization,
    slug: str,
    name: str = "",
    parent: Team | None = None,
    members: Sequence[User] = (),
) -> Team:
    """Owners and admins make teams of members. Raises InvalidRequest, NameTaken, NestedTooDeep."""
    _authorise(actor, organization)
    return changes.make_team(organization, slug, name, _current(organization, parent), members, actor)


@transaction.atomic
def change_team(*, actor: User, team: Team, **wanted: Any) -> Team:
    """Change `slug`, `name` or `parent` (None: stands alone). Raises InvalidRequest, NameTaken, NestedTooDeep."""
    current = _lock(actor, team)
    if "parent" in wanted:
        wanted["parent"] = _current(team.organization, wanted["parent"])
    return changes.change_team(current, actor, **wanted)


@transaction.atomic
def delete_team(*, actor: User, team: Team) -> None:
    """With its roles; teams below it stand alone."""
    changes.drop_team(_lock(actor, team), actor)


@transaction.atomic
def add_to_team(*, actor: User, team: Team, users: Sequence[User]) -> None:
    """Raises InvalidRequest for who is no member of the organization."""
    changes.change_team_members(_lock(actor, team), actor, add=users)


@transaction.atomic
def remove_from_team(*, actor: User, team: Team, users: Sequence[User]) -> None:
    """Who is not in it stays out of it."""
    changes.change_team_members(_lock(actor, team), actor, remove=users)


def _authorise(actor: User, organization: Organization) -> None:
    lock_organization(organization)
    require_admin(actor, organization)


def _lock(actor: User, team: Team) -> Team:
    """The team as it is now, for who may change it."""
    _authorise(actor, team.organization)
    return find_team(
        team.organization, Team.objects.filter(pk=team.pk).values_list("slug", flat=True).first() or ""
    )


def _current(organization: Organization, parent: Team | None) -> Team | None:
    return None if parent is None else find_team(organization, parent.slug)
