"""Organizations whose members must sign in through their identity provider.

Owners and superusers are exempt: they are the way back in when the provider is broken. So are service accounts, which no
provider knows.
"""

from __future__ import annotations

from allauth.socialaccount.models import SocialAccount
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Membership, Organization, User
from accounts.sso.domains import domain_of
from accounts.sso.errors import NoWayIn
from accounts.sso.models import KEY, Domain, IdentityProvider

# The first organization that the user must have signed in to by single sign-on, and never did. Joins `account`.
UNMET = f"""
(SELECT organization.slug FROM accounts_membership membership
   JOIN accounts_identityprovider provider USING (organization_id)
   JOIN accounts_organization organization ON organization.id = membership.organization_id
  WHERE membership.user_id = account.id AND membership.role <> 'owner' AND NOT account.is_superuser
    AND account.service_of_id IS NULL
    AND provider.active AND provider.enforced
    AND NOT EXISTS (SELECT 1 FROM socialaccount_socialaccount link
                     WHERE link.provider = '{KEY}' || provider.organization_id AND link.user_id = membership.user_id)
  ORDER BY organization.slug LIMIT 1)
"""


def owes_sign_in(user: User) -> bool:
    """Does an organization of the user demand a single sign-on that they never did?"""
    demanding = _demanding(user)
    known = SocialAccount.objects.filter(user=user, provider__in=demanding).values_list("provider", flat=True)
    return bool(demanding.keys() - set(known))


def require_way_in(organization: Organization, user: User) -> None:
    """Raises NoWayIn where the organization demands what the user cannot do, who is about to be an ordinary member."""
    provider = IdentityProvider.objects.filter(organization=organization, active=True, enforced=True).first()
    if provider is not None and locked_out(provider, User.objects.filter(pk=user.pk)):
        raise NoWayIn(
            f"{user.username} is of another organization too, and could not sign in by the single sign-on of"
            f" {organization}, which is required"
        )


def locked_out(provider: IdentityProvider, people: QuerySet[User]) -> list[User]:
    """Whom the provider could not sign in, if it were required of these people: who are not connected to it, nor have an
    address that it vouches for. Of those who belong to its organization alone nothing is asked."""
    organization = provider.organization
    elsewhere = Membership.objects.filter(user=OuterRef("pk")).exclude(organization=organization)
    linked = SocialAccount.objects.filter(user=OuterRef("pk"), provider=provider.key)
    rows = people.filter(Exists(elsewhere), ~Exists(linked), is_superuser=False, service_of=None)
    domains = Domain.objects.filter(organization=organization, verified_at__isnull=False)
    vouched = set(domains.values_list("name", flat=True))
    return [user for user in rows.order_by("username") if domain_of(user.email) not in vouched]


def refused_by(user: User, key: str | None) -> Organization | None:
    """The organization that does not let its member sign in like this: by password or passkey (`key` is None), or
    through the identity provider with this key. One of the enforcing organizations' providers will do, if the user is
    known to all of them."""
    keys = _demanding(user)
    if key not in keys:
        return next(iter(keys.values()), None)
    known = SocialAccount.objects.filter(user=user, provider__in=keys).values_list("provider", flat=True)
    return next((keys[unknown] for unknown in keys if unknown not in {*known, key}), None)


def _demanding(user: User) -> dict[str, Organization]:
    """Organizations that demand single sign-on of the user, by the keys of their providers."""
    if user.is_superuser or user.service_of_id is not None:
        return {}
    organizations = Organization.objects.filter(
        memberships__in=Membership.objects.filter(user=user).exclude(role=Membership.Role.OWNER),
        identity_provider__active=True,
        identity_provider__enforced=True,
    ).select_related("identity_provider")
    return {
        organization.identity_provider.key: organization for organization in organizations.order_by("slug")
    }
