"""Mutations of an organization's single sign-on, for its owners and admins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Membership, Organization, Team, User
from accounts.people.changes import lock_organization, sign_out
from accounts.services import require_admin, role_in
from accounts.sso.domains import check_name, is_proven
from accounts.sso.enforcement import locked_out
from accounts.sso.errors import NoWayIn, ProviderUnusable
from accounts.sso.identities import Identity
from accounts.sso.models import Domain, GroupMapping, IdentityProvider
from accounts.sso.oidc import discover
from accounts.sso.saml import check_certificate, new_signing_key, read_metadata
from accounts.webhooks.addresses import check_url
from gitslice.common.audit import record
from gitslice.common.errors import InvalidRequest, NameTaken, NotFound, PermissionDenied
from gitslice.common.secrets import seal

MOST_NAMED = 5  # people in an error


@dataclass(frozen=True)
class ProviderSettings:
    """As typed. A `metadata_url` fills in the fields of SAML; an empty secret leaves the one that is kept."""

    protocol: str
    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    metadata_url: str = ""
    sso_url: str = ""
    slo_url: str = ""
    certificate: str = ""
    groups_claim: str = "groups"


def configure(*, actor: User, organization: Organization, settings: ProviderSettings) -> IdentityProvider:
    """Set up the identity provider, or change it. Another issuer is another provider: who was linked to the one before
    is not to the new one. Another certificate disconnects owners, unless one sets it, and staff. Raises ProviderUnusable, InvalidUrl."""
    require_admin(actor, organization)
    saml = settings.protocol == IdentityProvider.Protocol.SAML
    fields = _saml_fields(settings) if saml else _oidc_fields(settings)
    fields |= {"protocol": settings.protocol, "groups_claim": settings.groups_claim.strip() or "groups"}
    with transaction.atomic():
        provider = _locked(organization) or IdentityProvider(organization=organization)
        other = provider.pk is not None and (provider.protocol, provider.issuer) != (
            settings.protocol, fields["issuer"],
        )  # fmt: skip
        signed_anew = saml and fields["certificate"] != provider.certificate
        for name, value in fields.items():
            setattr(provider, name, value)
        if saml and not provider.own_key:
            private, provider.own_certificate = new_signing_key(organization.slug)
            provider.own_key = seal(private)
        if not saml and not provider.client_secret:
            raise ProviderUnusable("the client secret is missing")
        provider.tested_at = None
        if other:
            provider.active = provider.enforced = False
            SocialAccount.objects.filter(provider=provider.key).delete()
        provider.save()
        _audit(provider, actor, "sso.configure", protocol=provider.protocol, issuer=provider.issuer)
        if signed_anew:
            _disconnect_those_above(provider, actor)
    return provider


@transaction.atomic
def switch(*, actor: User, organization: Organization, active: bool, enforced: bool) -> IdentityProvider:
    """On or off, and whether members must use it. Beginning to enforce ends the sessions of members, who sign in again."""
    require_admin(actor, organization)
    provider = _existing(organization)
    enforced = enforced and active
    if (
        (active and not provider.active) or (enforced and not provider.enforced)
    ) and provider.tested_at is None:
        raise ProviderUnusable("test it first: nobody could sign in through a provider that does not work")
    begins = enforced and not provider.enforced
    if begins:
        _require_ways_in(provider)
    provider.active, provider.enforced = active, enforced
    provider.save(update_fields=["active", "enforced"])
    _audit(provider, actor, "sso.switch", active=active, enforced=enforced)
    if begins:
        _end_sessions(organization, but=actor)
    return provider


@transaction.atomic
def remove(*, actor: User, organization: Organization) -> None:
    """With all links to it."""
    require_admin(actor, organization)
    provider = _existing(organization)
    SocialAccount.objects.filter(provider=provider.key).delete()
    _audit(provider, actor, "sso.remove")
    provider.delete()


@transaction.atomic
def note_test(*, actor: Any, provider: IdentityProvider, identity: Identity) -> None:
    """Somebody has come all the way through the provider and back."""
    require_admin(actor, provider.organization)
    IdentityProvider.objects.filter(pk=provider.pk).update(tested_at=timezone.now())
    _audit(provider, actor, "sso.test", subject=identity.subject)


@transaction.atomic
def map_groups(*, actor: User, organization: Organization, mapping: Iterable[tuple[str, str]]) -> None:
    """Replace the mapping of groups to teams (their slugs). Raises NotFound for a team that is not there."""
    require_admin(actor, organization)
    provider = _existing(organization)
    wanted = sorted(set(mapping))
    teams = {team.slug: team for team in Team.objects.filter(organization=organization)}
    for _, slug in wanted:
        if slug not in teams:
            raise NotFound(f"there is no team {slug!r} in {organization}")
    provider.mappings.all().delete()
    GroupMapping.objects.bulk_create(
        GroupMapping(provider=provider, group=group, team=teams[slug]) for group, slug in wanted
    )
    _audit(provider, actor, "sso.map_groups", mapping=[list(pair) for pair in wanted])


@transaction.atomic
def add_domain(*, actor: User, organization: Organization, name: str) -> Domain:
    require_admin(actor, organization)
    name = check_name(name)
    domain, made = Domain.objects.get_or_create(organization=organization, name=name)
    if made:
        record(organization=organization, actor=actor, action="domain.add", object=name)
    return domain


def verify_domain(*, actor: User, organization: Organization, name: str) -> Domain:
    """Ask the DNS whether the domain is the organization's. Raises InvalidRequest, NameTaken."""
    require_admin(actor, organization)
    domain = _domain(organization, name)
    if not is_proven(domain.name, domain.proof):
        raise InvalidRequest(f"the DNS of {domain.name} does not show the record yet")
    return _mark_verified(actor, domain, "dns")


def approve_domain(*, actor: User, organization: Organization, name: str) -> Domain:
    """An administrator of the server knows that the domain is the organization's. Raises PermissionDenied, NameTaken."""
    if not actor.is_superuser:
        raise PermissionDenied("only administrators of this server may do this")
    return _mark_verified(actor, _domain(organization, name), "administrator")


@transaction.atomic
def remove_domain(*, actor: User, organization: Organization, name: str) -> None:
    require_admin(actor, organization)
    _domain(organization, name).delete()
    record(organization=organization, actor=actor, action="domain.remove", object=name)


def _mark_verified(actor: User, domain: Domain, by: str) -> Domain:
    domain.verified_at = timezone.now()
    try:
        with transaction.atomic():
            domain.save(update_fields=["verified_at"])
            record(
                organization=domain.organization, actor=actor, action="domain.verify", object=domain.name,
                detail={"by": by},
            )  # fmt: skip
    except IntegrityError:
        raise NameTaken(f"{domain.name} is verified for another organization") from None
    return domain


def _oidc_fields(settings: ProviderSettings) -> dict[str, str]:
    issuer = settings.issuer.strip().rstrip("/").removesuffix("/.well-known/openid-configuration")
    check_url(issuer)
    if not settings.client_id.strip():
        raise ProviderUnusable("the client ID is missing")
    discover(issuer)
    fields = {"issuer": issuer, "client_id": settings.client_id.strip()}
    if settings.client_secret:
        fields["client_secret"] = seal(settings.client_secret.strip())
    return fields


def _saml_fields(settings: ProviderSettings) -> dict[str, str]:
    fields = {
        "issuer": settings.issuer.strip(),
        "sso_url": settings.sso_url.strip(),
        "slo_url": settings.slo_url.strip(),
        "certificate": settings.certificate,
    }
    if settings.metadata_url.strip():
        check_url(settings.metadata_url.strip())
        fields = read_metadata(settings.metadata_url.strip())
    if not fields["issuer"]:
        raise ProviderUnusable("the entity ID is missing")
    for url in filter(None, (fields["sso_url"], fields["slo_url"])):
        check_url(url)
    if not fields["sso_url"]:
        raise ProviderUnusable("the sign-in URL is missing")
    fields["certificate"] = check_certificate(fields["certificate"])
    return fields


def _locked(organization: Organization) -> IdentityProvider | None:
    return IdentityProvider.objects.select_for_update().filter(organization=organization).first()


def _existing(organization: Organization) -> IdentityProvider:
    provider = _locked(organization)
    if provider is None:
        raise NotFound(f"{organization} has no identity provider")
    return provider


def _domain(organization: Organization, name: str) -> Domain:
    domain = Domain.objects.filter(organization=organization, name=name).first()
    if domain is None:
        raise NotFound(f"{name!r} is no domain of {organization}")
    return domain


def _disconnect_those_above(provider: IdentityProvider, actor: User) -> None:
    """Who sets a certificate can sign for everybody who is linked, but does not come in as who may do more."""
    if actor.is_superuser:
        return
    above = Q(is_staff=True) | Q(is_superuser=True)
    if role_in(actor, provider.organization) != Membership.Role.OWNER:
        owners = provider.organization.memberships.filter(role=Membership.Role.OWNER)
        above |= Q(pk__in=owners.values("user"))
    people = User.objects.filter(above).exclude(pk=actor.pk)
    for link in SocialAccount.objects.filter(provider=provider.key, user__in=people).select_related("user"):
        link.delete()
        record(
            organization=provider.organization, actor=actor, action="sso.unlink", object=link.user.get_username(),
            detail={"subject": link.uid},
        )  # fmt: skip


def _require_ways_in(provider: IdentityProvider) -> None:
    """Raises ProviderUnusable."""
    lock_organization(provider.organization)
    members = provider.organization.memberships.exclude(role=Membership.Role.OWNER)
    outside = locked_out(provider, User.objects.filter(pk__in=members.values("user")))
    if outside:
        names = ", ".join(user.username for user in outside[:MOST_NAMED])
        raise ProviderUnusable(
            f"it cannot be required yet: {names} would be locked out of other organizations too",
            hint=NoWayIn.hint,
        )


def _end_sessions(organization: Organization, but: User) -> None:
    members = organization.memberships.exclude(role=Membership.Role.OWNER).exclude(user=but)
    sign_out(User.objects.filter(pk__in=members.values("user"), is_superuser=False))


def _audit(provider: IdentityProvider, actor: User, action: str, **detail: Any) -> None:
    record(
        organization=provider.organization,
        actor=actor,
        action=action,
        object=str(provider.organization),
        detail=detail,
    )
