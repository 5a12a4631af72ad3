"""Service accounts of an organization and their tokens, for its owners and admins."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.api.access import signed_in
from accounts.api.members import text_key
from accounts.machines import services
from accounts.models import ApiToken, Organization, User
from accounts.people import activation
from accounts.views.frame import framed, managed_organization
from accounts.views.tokens import TokenForm, token_context
from gitslice.common.errors import DomainError
from gitslice.common.pages import performed
from gitslice.common.pagination import Page

NEW_TOKEN = TokenForm()


@require_http_methods(["GET", "HEAD", "POST"])
def service_accounts(request: HttpRequest, org: str) -> HttpResponse:
    """All of them, and making one."""
    organization = managed_organization(request, org)
    name = request.POST.get("name", "").strip()
    context: dict[str, Any] = {"form": {"name": name}}
    status = 200
    if request.method == "POST":
        try:
            services.create_service_account(
                actor=signed_in(request.user), organization=organization, name=name
            )
        except DomainError as error:
            context["error"], status = error, error.status
        else:
            messages.success(request, f"The service account {name} is ready. Make a token for it below.")
            return HttpResponseRedirect(_page(org, name))
    page = Page(request.GET)
    rows = services.find_service_accounts(organization)
    if page.after is not None:
        rows = rows.filter(username__gt=text_key(page.after))
    shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda account: account.username)
    context |= {"accounts": [(services.name_of(row), row) for row in shown], "next_cursor": cursor}
    context = framed(request, organization, "service-accounts", **context)
    return render(request, "accounts/service_accounts.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def service_account(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """One, with its tokens; making a token shows the secret, this once."""
    actor, organization, account = _managed(request, org, name)
    if request.method != "POST":
        return _shown(request, organization, account)
    form = TokenForm.sent(request)
    try:
        token, secret = services.create_account_token(
            actor=actor, organization=organization, account=account, **form.wanted(actor)
        )
    except DomainError as error:
        return _shown(request, organization, account, status=error.status, token_form=form, token_error=error)
    return _shown(request, organization, account, made=token, secret=secret)


@require_POST
def deactivate(request: HttpRequest, org: str, name: str) -> HttpResponse:
    actor, organization, account = _managed(request, org, name)

    def mutate() -> str:
        activation.deactivate_user(actor=actor, user=account, organization=organization)
        return f"{name} is deactivated: its tokens have ended."

    return performed(request, _page(org, name), mutate)


@require_POST
def reactivate(request: HttpRequest, org: str, name: str) -> HttpResponse:
    actor, organization, account = _managed(request, org, name)

    def mutate() -> str:
        activation.reactivate_user(actor=actor, user=account, organization=organization)
        return f"{name} is active again. The tokens of before stay dead: make a new one."

    return performed(request, _page(org, name), mutate)


@require_POST
def revoke_token(request: HttpRequest, org: str, name: str, token_id: int) -> HttpResponse:
    actor, organization, account = _managed(request, org, name)

    def mutate() -> str:
        services.revoke_account_token(
            actor=actor, organization=organization, account=account, token_id=token_id
        )
        return "The token is revoked."

    return performed(request, _page(org, name) + "#tokens", mutate)


def _managed(request: HttpRequest, org: str, name: str) -> tuple[User, Organization, User]:
    organization = managed_organization(request, org)
    return signed_in(request.user), organization, services.find_service_account(organization, name)


def _shown(
    request: HttpRequest,
    organization: Organization,
    account: User,
    *,
    status: int = 200,
    token_form: TokenForm = NEW_TOKEN,
    **context: Any,
) -> HttpResponse:
    name = services.name_of(account)

    def revoke(token: ApiToken) -> str:
        return reverse("people:service-account-revoke-token", args=[organization.slug, name, token.pk])

    tokens = account.api_tokens.filter(revoked_at=None)
    shown = {"account": account, "name": name, "new_token": _page(organization.slug, name)}
    shown |= token_context(signed_in(request.user), tokens, token_form, revoke)
    context = framed(request, organization, "service-accounts", **(shown | context))
    return render(request, "accounts/service_account.html", context, status=status)


def _page(org: str, name: str) -> str:
    return reverse("people:service-account", args=[org, name])
