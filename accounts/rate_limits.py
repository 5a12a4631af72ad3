"""Limits of requests: a minute's, of an address, an account and a token; and of attempts to sign in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db.models import Q
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from accounts.tokens import digest_of
from gitslice.common.addresses import neighbourhood
from gitslice.common.limits import Limit, TooManyRequests, forget, spend
from gitslice.common.pages import refusal
from gitslice.common.problems import AWAY
from gitslice.telemetry.metrics import LIMITED, SIGN_INS

UNCOUNTED = ("/livez", "/readyz", "/metrics")
REMEMBERED = 10_000  # tokens whose account a process remembers: it never changes
SIGN_IN_SECONDS = 300
CROWD = 5  # times as many sign-ins from one address, behind which there may be an office
WORLD = 10  # times as many for one account, wherever they come from

_accounts: dict[str, int] = {}  # of tokens that were good, by the name they are counted under


class RateLimitMiddleware:
    """Counts a request before anything is asked of the database: its address, its token, and whose session or token
    it is. Tokens are counted whether they are good or not; a good one's account is known from its second request on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in UNCOUNTED:
            return self.get_response(request)
        token = _token_name(request)
        try:
            spend(_limits(request, token))
        except TooManyRequests as error:
            LIMITED.inc()
            return refusal(request, error)
        response = self.get_response(request)
        if token and token not in _accounts:
            _remember(token, request.__dict__.get("user"))
        return response


class SignInLimits:
    """The first of Django's ways to authenticate: it knows nobody, and stops those who try too often, on whatever page.

    An attempt counts before it is made, and is taken back when it succeeds. It has no `get_user`, so that no session is
    ever this one's.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Raises TooManyRequests."""
        try:
            spend(_sign_in_limits(request, _name_in(credentials)))
        except TooManyRequests:
            SIGN_INS.labels("limited").inc()
            raise


def connect() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="limits")
    user_login_failed.connect(_failed, dispatch_uid="limits")


def _failed(**_: Any) -> None:
    SIGN_INS.labels("failed").inc()


def _signed_in(sender: object, request: HttpRequest | None, user: User, **_: Any) -> None:
    SIGN_INS.labels("ok").inc()
    for name in {user.get_username(), user.email}:  # people sign in by either
        of_account, of_both, *of_address = _sign_in_limits(request, name)
        if not _is_anothers(name, user):
            forget([of_account, of_both])
    forget(of_address, times=1)


def _is_anothers(name: str, user: User) -> bool:
    """Whether somebody else signs in by this name too: attempts on them are not the user's to take back."""
    others = User.objects.exclude(pk=user.pk).filter(Q(username__iexact=name) | Q(email__iexact=name))
    return bool(name) and others.exists()


def _limits(request: HttpRequest, token: str) -> Iterator[Limit]:
    if address := request.META.get("REMOTE_ADDR"):
        yield Limit("address", neighbourhood(address), settings.GITSLICE_LIMIT_ADDRESS)
    if token:
        yield Limit("token", token, settings.GITSLICE_LIMIT_TOKEN)
    account = _accounts.get(token) if token else _session_account(request)
    if account:
        yield Limit("account", str(account), settings.GITSLICE_LIMIT_ACCOUNT)


def _sign_in_limits(request: HttpRequest | None, name: str) -> list[Limit]:
    most, who = settings.GITSLICE_LIMIT_SIGN_INS, hashlib.sha256(name.lower().encode()).hexdigest()[:32]
    address = neighbourhood(request.META.get("REMOTE_ADDR") or "::") if request else "-"
    return [
        Limit("sign-in-account", who, most * WORLD, SIGN_IN_SECONDS),
        Limit("sign-in", f"{who}:{address}", most, SIGN_IN_SECONDS),
        Limit("sign-in-address", address, most * CROWD, SIGN_IN_SECONDS),
    ]


def _token_name(request: HttpRequest) -> str:
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return digest_of(secret.strip()).hex()[:32] if scheme.lower() == "bearer" else ""


def _session_account(request: HttpRequest) -> int | None:
    """Whose session it is. Without the cookie none is asked for; one that cannot be read is the view's to tell of."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    try:
        return request.session.get(SESSION_KEY)
    except AWAY:
        return None


def _remember(token: str, user: object) -> None:
    if type(user) is User:  # the API puts it in the place of Django's lazy one when the token was good
        if len(_accounts) >= REMEMBERED:
            _accounts.clear()
        _accounts[token] = user.pk


def _name_in(credentials: dict[str, Any]) -> str:
    return str(credentials.get(User.USERNAME_FIELD) or credentials.get("email") or "")
