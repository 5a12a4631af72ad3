"""Roles of users and teams in a slice, one at a time. Owners are its maintainers (roles.py)."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Organization, User
from accounts.people.changes import lock_organization
from gitslice.common.audit import record
from gitslice.common.errors import InvalidRequest, NotFound
from slices.access import MAINTAINER, Access
from slices.models import Slice, SliceRole
from slices.roles import TEAM, find_owners


class RoleNotFound(NotFound):
    """Nobody of that name has a role in the slice."""


@transaction.atomic
def grant_role(*, actor: User, slice: Slice, name: str, role: str) -> SliceRole:
    """Give a member, or a team as `team:slug`, this role in the slice instead of the one before.

    Raises SliceForbidden, InvalidRequest for strangers and for the last owner.
    """
    if role not in SliceRole.Role.values:
        raise InvalidRequest(f"role is one of {', '.join(SliceRole.Role.values)}, not {role!r}")
    _lock(actor, slice)
    found = find_owners(slice.organization, [name])
    holder = {"user": found.users[0]} if found.users else {"team": found.teams[0]}
    if role != MAINTAINER:
        _require_other_owner(slice, SliceRole.objects.filter(slice=slice, **holder).first())
    given, _ = SliceRole.objects.update_or_create(slice=slice, **holder, defaults={"role": role})
    _audit(slice, actor, name, role)
    return given


@transaction.atomic
def revoke_role(*, actor: User, slice: Slice, name: str) -> None:
    """Take the role of a user or team away. Raises SliceForbidden, RoleNotFound, InvalidRequest for the last owner."""
    _lock(actor, slice)
    held = _held(slice, name)
    _require_other_owner(slice, held)
    held.delete()
    _audit(slice, actor, name, None)


def forget_roles(organization: Organization, user: User) -> None:
    """Of who leaves the organization."""
    SliceRole.objects.filter(slice__organization=organization, user=user).delete()


def _lock(actor: User, slice: Slice) -> None:
    """Nobody else changes roles in the slice, or who belongs to the organization, until the transaction ends."""
    lock_organization(slice.organization)
    Access(slice, actor).require_maintainer()


def _held(slice: Slice, name: str) -> SliceRole:
    roles = SliceRole.objects.filter(slice=slice)
    named = "\0" not in name
    if name.startswith(TEAM):
        roles = roles.filter(team__slug=name.removeprefix(TEAM))
    else:
        roles = roles.filter(user__username=name)
    role = roles.first() if named else None
    if role is None:
        raise RoleNotFound(f"{name[:150]!r} has no role in {slice}")
    return role


def _require_other_owner(slice: Slice, held: SliceRole | None) -> None:
    if held is None or held.role != MAINTAINER:
        return
    if not SliceRole.objects.filter(slice=slice, role=MAINTAINER).exclude(pk=held.pk).exists():
        raise InvalidRequest("a slice needs an owner", hint="make somebody else a maintainer first")


def _audit(slice: Slice, actor: User, name: str, role: str | None) -> None:
    record(
        organization=slice.organization,
        actor=actor,
        action="slice.roles",
        object=str(slice),
        detail={"name": name, "role": role},
    )
