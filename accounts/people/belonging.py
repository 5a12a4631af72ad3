"""Which teams somebody is in. Teams are nested once: who is in a team counts as a member of its parent."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Exists, OuterRef, Q, QuerySet, Value

from accounts.models import Team, User

# The teams of a user, those above them too; a parameter: the user's id.
TEAMS_OF_USER = """SELECT unnest(ARRAY[own.id, own.parent_id]) FROM accounts_team own
              JOIN accounts_team_members member ON member.team_id = own.id WHERE member.user_id = %s"""


def held_by(user: User | int | None) -> Q:
    """For queries of rows that have a `team`: it is one of the user's, or above one of them."""
    own = Team.members.through._default_manager.filter(user=user).values("team")
    above = Team.objects.filter(pk__in=own, parent__isnull=False).values("parent")
    return Q(team__in=own) | Q(team__in=above)


def people_in(teams: Collection[Team]) -> QuerySet[User]:
    """Members of the teams and of teams below them."""
    return User.objects.filter(Q(teams__in=teams) | Q(teams__parent__in=teams)).distinct()


def members_of(team: Team) -> QuerySet[User, User]:
    """As `people_in`, by user name; `own`: in the team itself, `through`: in these teams below it."""
    direct = Team.members.through._default_manager.filter(team=team, user=OuterRef("pk"))
    below = Q(teams__parent=team)
    through = ArrayAgg("teams__slug", filter=below, default=Value([]), order_by="teams__slug")
    rows = User.objects.filter(Q(teams=team) | below).order_by("username")
    return rows.annotate(own=Exists(direct), through=through)
