"""The page on which an organization's owners and admins set up how its members sign in."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.api.access import administered_organization, signed_in
from accounts.models import Organization, User
from accounts.sso import services
from accounts.sso.domains import PREFIX, record_of
from accounts.sso.models import IdentityProvider
from accounts.views.frame import framed
from gitslice.common.errors import DomainError, InvalidRequest
from gitslice.common.pages import performed

ARROW = "->"
FIELDS = [field.name for field in fields(services.ProviderSettings)]


@require_safe
def show(request: HttpRequest, org: str) -> HttpResponse:
    organization = administered_organization(request.user, org)
    provider = IdentityProvider.objects.filter(organization=organization).first()
    names = [name for name in FIELDS if hasattr(provider, name)]
    typed = (
        {name: getattr(provider, name) for name in names if name != "client_secret"}
        if provider
        else {"groups_claim": "groups"}
    )
    return _page(request, organization, provider, typed | {"protocol": _protocol(request, provider)})


@require_http_methods(["GET", "HEAD", "POST"])
def change_provider(request: HttpRequest, org: str) -> HttpResponse:
    actor, organization = _asked(request, org)
    if request.method != "POST":  # who signs in anew on the way comes by this address
        return HttpResponseRedirect(_address(org))
    typed = {name: request.POST.get(name, "")[:20_000] for name in FIELDS}
    try:
        if typed["protocol"] not in IdentityProvider.Protocol.values:
            raise InvalidRequest("choose a protocol")
        services.configure(
            actor=actor, organization=organization, settings=services.ProviderSettings(**typed)
        )
    except DomainError as error:
        provider = IdentityProvider.objects.filter(organization=organization).first()
        return _page(request, organization, provider, typed, error)
    return HttpResponseRedirect(_address(org))


@require_POST
def switch(request: HttpRequest, org: str) -> HttpResponse:
    actor, organization = _asked(request, org)
    active, enforced = "active" in request.POST, "enforced" in request.POST

    def perform() -> str:
        services.switch(actor=actor, organization=organization, active=active, enforced=enforced)
        if active and enforced:
            return "Members must sign in through the identity provider."
        return "Members may sign in through the identity provider." if active else "Single sign-on is off."

    return performed(request, _address(org), perform)


@require_POST
def change_groups(request: HttpRequest, org: str) -> HttpResponse:
    actor, organization = _asked(request, org)

    def perform() -> str:
        mapping = _read_mapping(request.POST.get("mapping", "")[:100_000])
        services.map_groups(actor=actor, organization=organization, mapping=mapping)
        return "The mapping holds from each member's next sign-in on."

    return performed(request, _address(org), perform)


@require_POST
def change_domains(request: HttpRequest, org: str) -> HttpResponse:
    actor, organization = _asked(request, org)
    name, action = request.POST.get("name", ""), request.POST.get("action", "")

    def perform() -> str:
        if action == "add":
            services.add_domain(actor=actor, organization=organization, name=name)
            return f"{name} is added. It counts once it is verified."
        if action == "verify":
            services.verify_domain(actor=actor, organization=organization, name=name)
            return f"{name} is verified."
        if action == "approve":
            services.approve_domain(actor=actor, organization=organization, name=name)
            return f"{name} is verified."
        services.remove_domain(actor=actor, organization=organization, name=name)
        return f"{name} is removed."

    return performed(request, _address(org), perform)


@require_POST
def remove(request: HttpRequest, org: str) -> HttpResponse:
    actor, organization = _asked(request, org)

    def perform() -> str:
        services.remove(actor=actor, organization=organization)
        return "The identity provider is removed."

    return performed(request, _address(org), perform)


def _asked(request: HttpRequest, org: str) -> tuple[User, Organization]:
    organization = administered_organization(request.user, org)
    return signed_in(request.user), organization


def _page(
    request: HttpRequest,
    organization: Organization,
    provider: IdentityProvider | None,
    form: dict[str, str],
    error: DomainError | None = None,
) -> HttpResponse:
    key = IdentityProvider(organization=organization).key
    base = request.build_absolute_uri("/").rstrip("/")
    mappings = provider.mappings.select_related("team") if provider else []
    context: dict[str, Any] = {
        "provider": provider,
        "form": form,
        "error": error,
        "domains": [(domain, record_of(domain.proof)) for domain in organization.domains.all()],
        "prefix": PREFIX,
        "teams": organization.teams.all(),
        "mapping": "\n".join(f"{mapping.group} {ARROW} {mapping.team.slug}" for mapping in mappings),
        "callback": base + reverse("openid_connect_callback", args=[key]),
        "signed_out": base + reverse("login"),
        "acs": base + reverse("saml_acs", args=[key]),
        "sls": base + reverse("saml_sls", args=[key]),
        "metadata": base + reverse("saml_metadata", args=[key]),
    }
    context = framed(request, organization, "sign-in", **context)
    return render(request, "accounts/sso/settings.html", context, status=error.status if error else 200)


def _protocol(request: HttpRequest, provider: IdentityProvider | None) -> str:
    asked = request.GET.get("protocol", "")
    if asked in IdentityProvider.Protocol.values:
        return asked
    return provider.protocol if provider else IdentityProvider.Protocol.OIDC.value


def _read_mapping(text: str) -> list[tuple[str, str]]:
    """`group -> team`, one a line. Raises InvalidRequest."""
    pairs = []
    for line in filter(None, map(str.strip, text.splitlines())):
        group, arrow, team = (part.strip() for part in line.rpartition(ARROW))
        if not (arrow and group and team) or len(group) > 300:
            raise InvalidRequest(f"{line[:60]!r} is not written as 'group {ARROW} team'")
        pairs.append((group, team))
    return pairs


def _address(org: str) -> str:
    return reverse("sso_settings", args=[org])
