"""Organizations whose members must sign in through their identity provider.

Owners and superusers are exempt: they are the way back in when the provider is broken.
"""

from __future__ import annotations

from allauth.socialaccount.models import SocialAccount

from accounts.models import Membership, Organization, User
from accounts.sso.models import KEY

# The first organization that the user must have signed in to by single sign-on, and never did. Joins `account`.
UNMET = f"""
(SELECT organization.slug FROM accounts_membership membership
   JOIN accounts_identityprovider provider USING (organization_id)
   JOIN accounts_organization organization ON organization.id = membership.organization_id
  WHERE membership.user_id = account.id AND membership.role <> 'owner' AND NOT account.is_superuser
    AND provider.active AND provider.enforced
    AND NOT EXISTS (SELECT 1 FROM socialaccount_socialaccount link
                     WHERE link.provider = '{KEY}' || provider.organization_id AND link.user_id = membership.user_id)
  ORDER BY organization.slug LIMIT 1)
"""


def refused_by(user: User, key: str | None) -> Organization | None:
    """The organization that does not let its member sign in like this: by password or passkey (`key` is None), or
    through the identity provider with this key. One of the enforcing organizations' providers will do, if the user is
    known to all of them."""
    if user.is_superuser:
        return None
    demanding = list(
        Organization.objects.filter(
            memberships__in=Membership.objects.filter(user=user).exclude(role=Membership.Role.OWNER),
            identity_provider__active=True,
            identity_provider__enforced=True,
        ).select_related("identity_provider")
    )
    if not demanding:
        return None
    keys = {organization.identity_provider.key: organization for organization in demanding}
    if key not in keys:
        return demanding[0]
    known = SocialAccount.objects.filter(user=user, provider__in=keys).values_list("provider", flat=True)
    return next((keys[unknown] for unknown in keys if unknown not in {*known, key}), None)
