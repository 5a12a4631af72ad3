"""The changes themselves, once somebody may make them: what they keep true, and their trail.

Authority is asked for one floor up (members.py, teams.py, activation.py, accounts/scim). `by` is a user, or the name of
what acts for the organization, such as the token of its directory. Callers are in a transaction and hold the
organization's lock, so that of several who take away the last owner one fails.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.errors import LastOwner, NestedTooDeep
from accounts.events import ACCESS, announce
from accounts.models import (
    DeviceGrant,
    Invitation,
    Membership,
    Organization,
    ScimUser,
    Team,
    User,
    validate_slug,
)
from accounts.quotas.services import MEMBERS, give_back, take
from accounts.signals import member_removed
from accounts.sso.models import key_of
from gitslice.common.audit import record
from gitslice.common.errors import InvalidRequest, NameTaken, PermissionDenied

OWNER = Membership.Role.OWNER
MAX_NAME = 200
BEYOND: dict[str, list[str]] = {  # roles that one invites nobody to
    Membership.Role.MEMBER: Membership.Role.values,
    Membership.Role.ADMIN: [OWNER],
    OWNER: [],
}

Author = User | str


def lock_organization(organization: Organization) -> None:
    """Memberships and teams of the organization hold still until the transaction ends. Nothing else waits for it."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


def lock_user(user: User) -> User:
    """The user as in the database now; it is neither deactivated nor made a member until the transaction ends."""
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def require_other_owner(organization: Organization, user: User) -> None:
    """Raises LastOwner if nobody but `user` could act as an owner."""
    others = organization.memberships.filter(role=OWNER, user__is_active=True).exclude(user=user)
    if not others.exists():
        raise LastOwner(f"{user.username} is the last owner of {organization}", user=user.username)


def require_person(user: User) -> None:
    """Raises PermissionDenied for service accounts."""
    if user.service_of_id is not None:
        raise PermissionDenied(f"{user.username} is a service account of one organization, and owns none")


def set_member(organization: Organization, user: User, role: str, by: Author) -> Membership:
    """Make the user a member, or change the role of one. Raises LastOwner, QuotaExceeded for one member too many,
    PermissionDenied for what a service account cannot be."""
    lock_user(user)
    if role == OWNER or user.service_of_id != organization.pk:
        require_person(user)
    before = organization.memberships.filter(user=user).first()
    if before is not None and before.role == OWNER and role != OWNER:
        require_other_owner(organization, user)
    if before is None and user.service_of_id is None:
        take(organization, MEMBERS)
    membership, _ = Membership.objects.update_or_create(
        organization=organization, user=user, defaults={"role": role}
    )
    action = "member.add" if before is None else "member.change"
    audit(organization, by, action, user.username, role=role)
    if before is None:
        _disconnect_former(user, by)
    elif before.role != role:
        _revoke_invitations(by, user, BEYOND[role], organization=organization)
    return membership


def drop_member(organization: Organization, user: User, by: Author) -> None:
    """End a membership with the user's teams and roles in the organization. Raises LastOwner, and InvalidRequest for
    the organization's service accounts."""
    if user.service_of_id == organization.pk:
        raise InvalidRequest(f"{user.username} is a service account: deactivate it instead")
    membership = organization.memberships.get(user=user)
    if membership.role == OWNER:
        require_other_owner(organization, user)
    teams = list(organization.teams.filter(members=user))
    for team in teams:
        team.members.remove(user)
    member_removed.send(Membership, organization=organization, user=user)
    membership.delete()
    give_back(organization, MEMBERS)
    names = [team.slug for team in teams]
    audit(organization, by, "member.remove", user.username, role=membership.role, teams=names)
    _revoke_invitations(by, user, Membership.Role.values, organization=organization)
    _disconnect(organization, user, by)


def deactivate(user: User, organization: Organization | None, by: Author) -> None:
    """End all sessions, tokens and streams of the user at once. Memberships and roles stay, without effect."""
    if not lock_user(user).is_active:
        return
    _end_sessions(user, is_active=False)
    _audit_user(organization, by, "user.deactivate", user)
    _revoke_invitations(by, user, Membership.Role.values)
    announce(organization_id=None, kind=ACCESS)  # streams end wherever the user watches


def reactivate(user: User, organization: Organization | None, by: Author) -> None:
    """The user may sign in again; sessions and tokens of before stay dead."""
    if lock_user(user).is_active:
        return
    _end_sessions(user, is_active=True)
    ScimUser.objects.filter(user=user).update(suspended=False)
    _audit_user(organization, by, "user.reactivate", user)


def make_team(
    organization: Organization,
    slug: str,
    name: str,
    parent: Team | None,
    members: Collection[User],
    by: Author,
) -> Team:
    """Raises InvalidRequest, NameTaken, NestedTooDeep."""
    check_slug(slug)
    check_name(name)
    check_parent(organization, None, parent)
    require_members(organization, members)
    team = Team(organization=organization, slug=slug, name=name or slug, parent=parent)
    _save(team)
    team.members.set(members)
    names = sorted(member.username for member in members)
    audit(organization, by, "team.create", slug, parent=parent.slug if parent else None, members=names)
    return team


def change_team(team: Team, by: Author, **changes: Any) -> Team:
    """Set `slug`, `name` or `parent`. Raises InvalidRequest, NameTaken, NestedTooDeep."""
    before = team.slug
    if "slug" in changes:
        check_slug(changes["slug"])
    if "name" in changes:
        check_name(changes["name"])
    if "parent" in changes:
        check_parent(team.organization, team, changes["parent"])
    for field, value in changes.items():
        setattr(team, field, value)
    _save(team)
    detail = {field: value.slug if isinstance(value, Team) else value for field, value in changes.items()}
    audit(team.organization, by, "team.change", before, **detail)
    return team


def drop_team(team: Team, by: Author) -> None:
    """With its roles; teams below it stand alone."""
    names = sorted(team.members.values_list("username", flat=True))
    audit(team.organization, by, "team.delete", team.slug, members=names)
    team.delete()


def change_team_members(
    team: Team, by: Author, *, add: Iterable[User] = (), remove: Iterable[User] = ()
) -> None:
    """Raises InvalidRequest for who is no member of the organization."""
    joining, leaving = list(add), list(remove)
    require_members(team.organization, joining)
    team.members.add(*joining)
    team.members.remove(*leaving)
    detail = {
        "add": sorted(user.username for user in joining),
        "remove": sorted(user.username for user in leaving),
    }
    audit(team.organization, by, "team.change", team.slug, **detail)


def require_members(organization: Organization, users: Collection[User]) -> None:
    """Raises InvalidRequest for who is no member of the organization."""
    found = set(organization.memberships.filter(user__in=users).values_list("user_id", flat=True))
    strangers = sorted(user.username for user in users if user.pk not in found)
    if strangers:
        raise InvalidRequest(f"{organization} has no member {', '.join(strangers)}", users=strangers)


def check_parent(organization: Organization, team: Team | None, parent: Team | None) -> None:
    """Teams are nested once. Raises NestedTooDeep."""
    if parent is None:
        return
    if parent.organization_id != organization.pk:
        raise InvalidRequest(f"{organization} has no team {parent.slug!r}")
    if team is not None and parent.pk == team.pk:
        raise NestedTooDeep(f"{team.slug} cannot be its own parent")
    if parent.parent_id is not None:
        raise NestedTooDeep(f"{parent.slug} has a parent itself", team=parent.slug)
    if team is not None and team.children.exists():
        raise NestedTooDeep(f"{team.slug} is the parent of other teams", team=team.slug)


def check_slug(slug: str) -> None:
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise InvalidRequest(f"team {slug!r}: {error.messages[0]}") from None


def check_name(name: str) -> None:
    if len(name) > MAX_NAME or "\0" in name:
        raise InvalidRequest(f"a name has at most {MAX_NAME} characters, and no NUL")


def audit(organization: Organization | None, by: Author, action: str, object: str, **detail: Any) -> None:
    if isinstance(by, str):
        record(
            organization=organization, actor=None, action=action, object=object, detail=detail | {"by": by}
        )
    else:
        record(organization=organization, actor=by, action=action, object=object, detail=detail)


def _audit_user(organization: Organization | None, by: Author, action: str, user: User) -> None:
    """In the trail of the organization; of all that the user belongs to where it is none's."""
    of_user: list[Organization | None] = (
        [organization] if organization else list(user.organizations.order_by("pk"))
    )
    for concerned in of_user or [None]:
        audit(concerned, by, action, user.username)


def sign_out(users: QuerySet[User]) -> None:
    """End all their sessions in browsers. Tokens stay."""
    users.update(session_generation=F("session_generation") + 1)


def _revoke_invitations(by: Author, user: User, roles: Collection[str], **within: Organization) -> None:
    """Links that were sent by who may not send them any more: else they come back by one to another address."""
    sent = Invitation.objects.pending().filter(invited_by=user, role__in=roles, **within)
    for invitation in sent.select_related("organization").order_by("pk"):
        invitation.revoked_at = timezone.now()
        invitation.save(update_fields=["revoked_at"])
        audit(invitation.organization, by, "invitation.revoke", invitation.email)


def _disconnect(organization: Organization, user: User, by: Author) -> None:
    """The organization's identity provider, which signs in the whole account, does so no more: except for an account
    that is nowhere else, and has no other way in."""
    if user.memberships.exists() or user.has_usable_password():
        _unlink(SocialAccount.objects.filter(user=user, provider=key_of(organization.pk)), organization, by)


def _disconnect_former(user: User, by: Author) -> None:
    """Who joins another organization is nowhere else no more."""
    own = [key_of(pk) for pk in user.memberships.values_list("organization", flat=True)]
    _unlink(SocialAccount.objects.filter(user=user).exclude(provider__in=own), None, by)


def _unlink(links: QuerySet[SocialAccount], organization: Organization | None, by: Author) -> None:
    for link in links.select_related("user"):
        link.delete()
        audit(organization, by, "sso.unlink", link.user.get_username(), subject=link.uid)


def _end_sessions(user: User, *, is_active: bool) -> None:
    itself = User.objects.filter(pk=user.pk)
    itself.update(is_active=is_active)
    sign_out(itself)
    user.api_tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
    allowed = DeviceGrant.objects.filter(user=user, state=DeviceGrant.State.ALLOWED)
    allowed.update(state=DeviceGrant.State.DENIED)
    user.is_active = is_active


def _save(team: Team) -> None:
    try:
        with transaction.atomic():
            team.save()
    except IntegrityError:
        raise NameTaken(f"there is a team {team.slug!r} already") from None
