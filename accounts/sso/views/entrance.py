"""On the way to an identity provider, and in from it."""

from __future__ import annotations

from typing import Any

import requests
from allauth.account.adapter import get_adapter
from allauth.account.utils import perform_login
from allauth.core.internal import ratelimit
from allauth.core.ratelimit import respond_429
from allauth.socialaccount.internal.flows.login import record_authentication
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.api.access import administered_organization, signed_in
from accounts.models import User
from accounts.services import role_in
from accounts.sso.adapter import CONNECT, PENDING, TEST, refuse
from accounts.sso.admission import admit, check_may_make_account, owner_of_address
from accounts.sso.apps import app_of, find, way_to
from accounts.sso.domains import domain_of
from accounts.sso.errors import SignInRefused
from accounts.sso.identities import identity_of
from accounts.sso.models import Domain, IdentityProvider


@never_cache
def discover(request: HttpRequest) -> HttpResponse:
    """From an e-mail address to the organization whose people have such addresses.

    The answer is a page that goes on by itself, not a redirect: our content security policy lets forms lead nowhere else.
    """
    context: dict[str, Any] = {"email": request.POST.get("email", ""), "next": _next(request)}
    if request.method == "POST":
        if not ratelimit.consume(request, action="login", app="allauth.account"):
            return respond_429(request)
        domain = (
            Domain.objects.select_related("organization")
            .filter(
                name=domain_of(context["email"]),
                verified_at__isnull=False,
                organization__identity_provider__active=True,
            )
            .first()
        )
        if domain is None:
            context["unknown"] = True
        else:
            query = f"?{urlencode({'next': context['next']})}" if context["next"] else ""
            context["to"] = domain.organization
            context["url"] = reverse("sso_start", args=[domain.organization.slug]) + query
    return render(
        request, "accounts/sso/discover.html", context, status=404 if context.get("unknown") else 200
    )


@never_cache
def start(request: HttpRequest, org: str) -> HttpResponse:
    """Off to the organization's identity provider: to sign in, to link the signed-in account, or to test. No address
    links an account, as a provider may answer at once, for whom it likes: it takes a form of ours."""
    provider = IdentityProvider.objects.select_related("organization").filter(organization__slug=org).first()
    process = request.POST.get("process", "") or request.GET.get("process", "")
    if process == CONNECT and "process" not in request.POST:
        return HttpResponseNotAllowed(["POST"])
    if process == TEST:
        administered_organization(request.user, org)
    elif process == CONNECT:
        user = signed_in(request.user)
        if provider is not None and role_in(user, provider.organization) is None:
            raise Http404
    if provider is None or not (provider.active or process == TEST):
        raise Http404
    known = {TEST: TEST, CONNECT: AuthProcess.CONNECT}
    way = way_to(request, app_of(provider))
    try:
        away = way.redirect(request, known.get(process, AuthProcess.LOGIN), next_url=_next(request) or None)
    except (requests.RequestException, KeyError, ValueError):
        refuse(request, provider, SignInRefused("the identity provider does not answer"))
    if request.method != "POST":
        return away
    context = {
        "to": provider.organization,
        "url": away["Location"],
    }  # as in `discover`: no redirect of a form
    return render(request, "accounts/sso/discover.html", context)


@never_cache
@sensitive_post_parameters("password")
def claim(request: HttpRequest) -> HttpResponse:
    """The identity provider vouches for an address that an account has already. An address is no proof: whoever knows
    the account's password links the two."""
    pending = request.session.get(PENDING)
    if not pending:
        return HttpResponseRedirect(reverse("sso"))
    login = SocialLogin.deserialize(pending)
    provider = find(login.account.provider)
    if provider is None or not provider.active:
        raise Http404
    identity = identity_of(provider, login)
    context: dict[str, Any] = {"organization": provider.organization, "email": identity.email}
    if request.method != "POST":
        return render(request, "accounts/sso/claim.html", context)
    try:
        check_may_make_account(provider, identity)
        user = _proven(request, owner_of_address(identity.email))
    except SignInRefused as error:
        refuse(request, provider, error)
    except ValidationError as error:
        return render(request, "accounts/sso/claim.html", context | {"error": error.messages[0]}, status=403)
    del request.session[PENDING]
    try:
        admit(provider=provider, user=user, identity=identity)
    except SignInRefused as error:
        refuse(request, provider, error)
    login.connect(request, user)
    record_authentication(request, login)
    return perform_login(
        request,
        user,
        email_verification="none",
        redirect_url=login.get_redirect_url(request),
        signal_kwargs={"sociallogin": login},
    )


def _proven(request: HttpRequest, account: User | None) -> User:
    """The account, if the password is its own; attempts count as at the sign-in. Raises ValidationError."""
    adapter = get_adapter()
    if account is None or not account.is_active:
        raise SignInRefused("the account with this address is deactivated")
    user = adapter.authenticate(request, username=account.username, password=request.POST.get("password", ""))
    if user is None or user.pk != account.pk:
        raise adapter.validation_error("incorrect_password")
    return account


def _next(request: HttpRequest) -> str:
    """Where the person wanted to go, on this server."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else ""
