"""Sign-ins, sign-outs and refused sign-ins, on whatever way, as audit events. A token's use is none.

Each is told to every organization of the user, whose admins look for it there; of a user without any it is an event of
no organization. What was typed for a name that nobody has is not written down: now and then it is a password.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from accounts.models import Organization, User
from gitslice.common.audit import record

NOBODY = "unknown user"


def connect() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="audit")
    user_logged_out.connect(_signed_out, dispatch_uid="audit")
    user_login_failed.connect(_refused, dispatch_uid="audit")


def _signed_in(sender: object, user: User, request: HttpRequest | None = None, **_: Any) -> None:
    write_sign_in(user, user, "user.sign_in", by=_methods(request))


def _signed_out(sender: object, user: User | None, **_: Any) -> None:
    if user is not None:
        write_sign_in(user, user, "user.sign_out")


def _refused(
    sender: object, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    name = str(credentials.get(User.USERNAME_FIELD) or credentials.get("email") or "")
    user = (
        User.objects.filter(Q(username=name) | Q(email__iexact=name)).order_by("pk").first()
        if "\0" not in name and name
        else None
    )
    write_sign_in(user, None, "user.sign_in_refused")


@transaction.atomic
def write_sign_in(user: User | None, actor: User | None, action: str, **detail: Any) -> None:
    organizations: list[Organization | None] = list(user.organizations.order_by("pk")) if user else []
    name = user.username if user else NOBODY
    for organization in organizations or [None]:
        record(organization=organization, actor=actor, action=action, object=name, detail=detail)


def _methods(request: HttpRequest | None) -> list[str]:
    """`password`, `mfa`, `socialaccount`: what was shown in this session."""
    shown = request.session.get("account_authentication_methods", []) if request else []
    return [entry["method"] for entry in shown]
