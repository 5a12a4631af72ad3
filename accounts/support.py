"""A superuser sees and does what a user may, to help: audited, with a banner, for an hour at most.

Whose the session is does not change; each request asks again whether the superuser still is one, and puts the user in
their place. Events that follow name the user as their actor, and in their detail the superuser as `impersonated_by`.
Nobody is put into the place of staff, and nobody makes or revokes what lets a user in while in their place.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.middleware import get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from accounts.models import Organization, User
from gitslice.common.audit import current_origin, record, set_origin
from gitslice.common.errors import PermissionDenied
from gitslice.common.pages import refusal

KEY = "support"  # in the session: {"user": id, "until": seconds}
LASTS = 3600
OWN = ("/account/", "/sso/", "/login/", "/device/")  # pages of what lets a user in


class SupportMiddleware:
    """Puts the user in the superuser's place, as soon as somebody asks who is signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            if request.path.startswith(OWN) and _support_of(request):
                return refusal(request, PermissionDenied("not while you act as somebody else"))
            request.user = cast(User, SimpleLazyObject(partial(_placed, request)))
        return self.get_response(request)


def begin_support(*, request: HttpRequest, actor: User, user: User) -> None:
    """Act as the user from the next request on. Raises PermissionDenied."""
    if not may_support(actor, user):
        raise PermissionDenied("superusers act as active users who are not staff, and nobody else does")
    request.session[KEY] = {"user": user.pk, "until": int(time.time()) + LASTS}
    _record(actor, user, "support.begin")


def end_support(*, request: HttpRequest) -> None:
    """Be oneself again, whatever became of the user meanwhile."""
    support = request.session.pop(KEY, None)
    actor = get_user(request)
    user = User.objects.filter(pk=support["user"]).first() if support else None
    set_origin(current_origin().without_support())
    if user is not None and isinstance(actor, User):
        _record(actor, user, "support.end")


def may_support(actor: User | AnonymousUser, user: User | None) -> bool:
    return bool(
        actor.is_active
        and actor.is_superuser
        and user is not None
        and user.is_active
        and not (user.is_superuser or user.is_staff)
        and user.pk != actor.pk
    )


def require_own_hand() -> None:
    """For what only the user may do: raises PermissionDenied for who acts in their place."""
    if current_origin().impersonated_by:
        raise PermissionDenied("not while you act as somebody else")


def _support_of(request: HttpRequest) -> dict[str, Any] | None:
    """Of the session, while it lasts."""
    support: dict[str, Any] | None = request.session.get(KEY)
    return support if support and support["until"] >= time.time() else None


def person_of_session(key: str) -> User | AnonymousUser:
    """Who acts by a session now: nobody, once it has ended."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    real: Any = get_user(request)
    return _supported(request, real) or real


def _supported(request: HttpRequest, real: User | AnonymousUser) -> User | None:
    """The user in whose place the session's is."""
    support = _support_of(request)
    user = User.objects.filter(pk=support["user"]).first() if support else None
    return user if may_support(real, user) else None


def _placed(request: HttpRequest) -> User | AnonymousUser:
    real: Any = get_user(request)
    user = _supported(request, real)
    if user is None:
        return real
    request.impersonator = real  # type: ignore[attr-defined]
    set_origin(current_origin().in_place_of(real.username))
    return user


def _record(actor: User, user: User, action: str) -> None:
    organizations: list[Organization | None] = list(user.organizations.order_by("pk"))
    for organization in organizations or [None]:
        record(organization=organization, actor=actor, action=action, object=user.username)
