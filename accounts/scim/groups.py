"""Groups of a directory: the teams of its organization. A group's members are the team's own, without teams below it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Organization, ScimGroup, ScimUser, Team, User
from accounts.people import changes
from accounts.people.changes import Author
from accounts.scim.errors import InvalidFilter, InvalidValue, ResourceNotFound
from accounts.scim.filters import Condition
from accounts.scim.patching import Document, lowered
from accounts.scim.users import adopt_members
from gitslice.common.errors import NameTaken

MAX_NAME = 200
MAX_EXTERNAL_ID = 254
MAX_SLUG = 58  # of 64, so that there is room for a number


@dataclass(frozen=True)
class Group:
    """A group as a directory describes one; members by the ids of their users."""

    name: str
    external_id: str = ""
    members: frozenset[str] | None = None  # None: not told


def parse_group(document: Document) -> Group:
    """The group of a document, names in any case. Raises InvalidValue."""
    document = lowered(document)
    name, external_id = document.get("displayname"), document.get("externalid") or ""
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME or "\0" in name:
        raise InvalidValue(f"displayName is a text of 1 to {MAX_NAME} characters")
    if not isinstance(external_id, str) or len(external_id) > MAX_EXTERNAL_ID or "\0" in external_id:
        raise InvalidValue(f"externalId is a text of at most {MAX_EXTERNAL_ID} characters")
    return Group(name.strip(), external_id, _members(document.get("members")))


def find_groups(organization: Organization, conditions: Iterable[Condition] = ()) -> QuerySet[Team]:
    """Raises InvalidFilter."""
    rows = organization.teams.select_related("scim_group", "organization").order_by("pk")
    for condition in conditions:
        rows = _filtered(organization, rows, condition)
    return rows


def find_group(organization: Organization, resource_id: str) -> Team:
    """Raises ResourceNotFound."""
    number = int(resource_id) if resource_id.isdecimal() and len(resource_id) < 18 else 0
    team = find_groups(organization).filter(pk=number).first()
    if team is None:
        raise ResourceNotFound(f"there is no group {resource_id[:64]}")
    return team


def members_of_groups(organization: Organization, teams: Iterable[Team]) -> dict[int, list[ScimUser]]:
    """Team id -> its members, in two questions for all."""
    adopt_members(organization)
    pairs = Team.members.through._default_manager.filter(team__in=list(teams)).values_list(
        "team_id", "user_id"
    )
    rows = list(pairs)
    known = ScimUser.objects.filter(
        organization=organization, deleted=False, user__in={user for _, user in rows}
    )
    by_user = {record.user_id: record for record in known.order_by("pk")}
    found: dict[int, list[ScimUser]] = {}
    for team_id, user_id in rows:
        if user_id in by_user:
            found.setdefault(team_id, []).append(by_user[user_id])
    return found


@transaction.atomic
def create(organization: Organization, group: Group, by: Author) -> Team:
    """A new team. Raises NameTaken, InvalidValue."""
    changes.lock_organization(organization)
    _require_free(organization, group.name, None)
    people = _people(organization, group.members or frozenset())
    team = changes.make_team(organization, _slug(organization, group.name), group.name, None, people, by)
    ScimGroup.objects.create(team=team, external_id=group.external_id)
    return find_group(organization, str(team.pk))


@transaction.atomic
def replace(
    organization: Organization, resource_id: str, change: Callable[[Document], Document], by: Author
) -> Team:
    """Make the group what `change` makes of its document, which holds still meanwhile. The team keeps its name in
    addresses. Raises ResourceNotFound, NameTaken, InvalidValue.
    """
    changes.lock_organization(organization)
    team = find_group(organization, resource_id)
    group = parse_group(change(_document(organization, team)))
    if group.name != team.name:
        _require_free(organization, group.name, team)
        changes.change_team(team, by, name=group.name)
    ScimGroup.objects.update_or_create(team=team, defaults={"external_id": group.external_id})
    if group.members is not None:
        wanted, present = set(_people(organization, group.members)), set(team.members.all())
        if wanted != present:
            changes.change_team_members(team, by, add=wanted - present, remove=present - wanted)
    return find_group(organization, resource_id)


@transaction.atomic
def delete(organization: Organization, resource_id: str, by: Author) -> None:
    """Raises ResourceNotFound."""
    changes.lock_organization(organization)
    changes.drop_team(find_group(organization, resource_id), by)


def _document(organization: Organization, team: Team) -> Document:
    known = getattr(team, "scim_group", None)
    members = members_of_groups(organization, [team]).get(team.pk, [])
    return {
        "displayName": team.name,
        "externalId": known.external_id if known else "",
        "members": [{"value": str(member.pk)} for member in members],
    }


def _people(organization: Organization, ids: frozenset[str]) -> list[User]:
    """The members of the organization behind these ids. Whom the directory has deactivated, it may still list: they
    are members no more and in no team. Raises InvalidValue for an id that never was."""
    adopt_members(organization)
    numbers = {int(value) for value in ids if value.isdecimal() and len(value) < 18}
    records = ScimUser.objects.filter(organization=organization, deleted=False, pk__in=numbers)
    found = list(records.values_list("pk", "user_id"))
    unknown = sorted(ids - {str(pk) for pk, _ in found})
    if unknown:
        raise InvalidValue(f"there is no user {unknown[0][:64]}")
    people = User.objects.filter(pk__in=[user for _, user in found], memberships__organization=organization)
    return list(people)


def _require_free(organization: Organization, name: str, team: Team | None) -> None:
    others = organization.teams.filter(name__iexact=name)
    if (others.exclude(pk=team.pk) if team else others).exists():
        raise NameTaken(f"there is a group {name!r} already")


def _slug(organization: Organization, name: str) -> str:
    """A name for addresses like the group's that no team has."""
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MAX_SLUG].strip("-") or "team"
    taken = set(organization.teams.filter(slug__startswith=stem).values_list("slug", flat=True))
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return next(slug for slug in (stem, *numbered) if slug not in taken)


def _members(value: Any) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(
        isinstance(member, dict) and member.get("value") for member in value
    ):
        raise InvalidValue("members is a list of objects with a value")
    return frozenset(str(member["value"]) for member in value)


def _filtered(organization: Organization, rows: QuerySet[Team], condition: Condition) -> QuerySet[Team]:
    number = int(condition.value) if re.fullmatch(r"\d{1,17}", condition.value) else 0
    match condition.attribute:
        case "displayname":
            return rows.filter(name__iexact=condition.value)
        case "externalid":
            return rows.filter(scim_group__external_id=condition.value)
        case "id":
            return rows.filter(pk=number)
        case "members" | "members.value":
            own = ScimUser.objects.filter(organization=organization, deleted=False, pk=number)
            return rows.filter(members__in=own.values("user"))
    raise InvalidFilter(f"groups cannot be filtered by {condition.attribute}")
