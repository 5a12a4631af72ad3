"""Whom an organization's identity provider lets in, and what becomes of them."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import Q

from accounts.errors import QuotaExceeded
from accounts.models import Membership, Organization, ScimUser, Team, User
from accounts.people.changes import lock_organization, set_member
from accounts.quotas.services import MEMBERS, require_room
from accounts.sso.domains import domain_of
from accounts.sso.errors import SignInRefused
from accounts.sso.identities import Identity
from accounts.sso.models import Domain, IdentityProvider
from gitslice.common.audit import record

ORDINARY = (Membership.Role.MEMBER, Membership.Role.ADMIN)


def check_may_make_account(provider: IdentityProvider, identity: Identity) -> None:
    """A provider speaks for the verified domains of its organization, and for nobody else. Raises SignInRefused,
    also where the organization has no room for them."""
    if not identity.email:
        raise SignInRefused("the identity provider names no e-mail address")
    if identity.email_denied:
        raise SignInRefused("the identity provider itself does not vouch for the e-mail address")
    if not speaks_for(provider, identity.email):
        domain = domain_of(identity.email)
        raise SignInRefused(f"{domain} is no verified domain of {provider.organization}")
    try:
        require_room(provider.organization, MEMBERS)
    except QuotaExceeded as error:
        raise SignInRefused(str(error)) from None


def speaks_for(provider: IdentityProvider, email: str) -> bool:
    """Is the address one of the organization's verified domains? Subdomains are domains of their own."""
    return Domain.objects.filter(
        organization=provider.organization, name=domain_of(email), verified_at__isnull=False
    ).exists()


def owner_of_address(email: str) -> User | None:
    """Whose account has this address already, verified or not. The same address may stand in several: the oldest."""
    stated = EmailAddress.objects.filter(email__iexact=email).values("user")
    return User.objects.filter(Q(email__iexact=email) | Q(pk__in=stated)).order_by("pk").first()


def forget_claims(email: str) -> None:
    """What others have typed as their address, and never verified, keeps out nobody for whom a provider speaks."""
    typed = EmailAddress.objects.filter(email__iexact=email, verified=False)
    typed.exclude(user__email__iexact=email).delete()


def account_of_directory(provider: IdentityProvider, email: str) -> User | None:
    """The account with this address that the organization's own directory made, which has no password to ask for. One
    that has got powers over this server or the organization since, or belongs to another one too, is left to its
    passwords. Raises SignInRefused if it is another identity's."""
    made = ScimUser.objects.filter(organization=provider.organization, provisioned=True, deleted=False)
    others = Membership.objects.exclude(organization=provider.organization, role__in=ORDINARY)
    people = User.objects.filter(is_staff=False, is_superuser=False, email__iexact=email)
    people = people.exclude(pk__in=others.values("user"))
    account = people.filter(pk__in=made.values("user")).order_by("pk").first()
    if account is not None and SocialAccount.objects.filter(user=account, provider=provider.key).exists():
        raise SignInRefused("the account with this address is connected to another identity there")
    return account


@transaction.atomic
def admit(*, provider: IdentityProvider, user: User, identity: Identity) -> None:
    """Make the user a member, and of the teams that the groups stand for. Raises SignInRefused for the deactivated,
    and for one member too many."""
    if not user.is_active:
        raise SignInRefused("the account is deactivated")
    organization = provider.organization
    lock_organization(organization)
    if not organization.memberships.filter(user=user).exists():
        _join(organization, user)
    _follow_groups(organization, provider, user, identity)


def _join(organization: Organization, user: User) -> None:
    try:
        set_member(organization, user, Membership.Role.MEMBER, user)
    except QuotaExceeded as error:
        raise SignInRefused(str(error)) from None


def _follow_groups(
    organization: Organization, provider: IdentityProvider, user: User, identity: Identity
) -> None:
    """Teams that no group stands for are left alone."""
    mappings = list(provider.mappings.select_related("team"))
    wanted = {mapping.team_id for mapping in mappings if mapping.group in identity.groups}
    mapped = {mapping.team_id: mapping.team for mapping in mappings}
    now = set(user.teams.filter(pk__in=mapped).values_list("pk", flat=True))
    for team in sorted(wanted - now):
        user.teams.add(mapped[team])
        _audit_team(organization, user, mapped[team], "added")
    for team in sorted(now - wanted):
        user.teams.remove(mapped[team])
        _audit_team(organization, user, mapped[team], "removed")


def _audit_team(organization: Organization, user: User, team: Team, change: str) -> None:
    record(
        organization=organization, actor=user, action="team.change", object=team.slug,
        detail={change: [user.username], "by": "single sign-on"},
    )  # fmt: skip
