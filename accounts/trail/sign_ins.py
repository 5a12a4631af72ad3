"""Sign-ins, sign-outs and refused sign-ins, on whatever way, as audit events. A token's use is none.

Each is told to every organization of the user, whose admins look for it there; of a user without any it is an event of
no organization. What was typed for a name that nobody has is not written down: now and then it is a password.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.http import HttpRequest

from accounts.models import Organization, User
from gitslice.common.audit import record

NOBODY = "unknown user"


def connect() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="audit")
    user_logged_out.connect(_signed_out, dispatch_uid="audit")
    user_login_failed.connect(_refused, dispatch_uid="audit")


def _signed_in(sender: object, user: User, **_: Any) -> None:
    _write(user, user, "user.sign_in")


def _signed_out(sender: object, user: User | None, **_: Any) -> None:
    if user is not None:
        _write(user, user, "user.sign_out")


def _refused(
    sender: object, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    name = str(credentials.get(User.USERNAME_FIELD) or credentials.get("email") or "")
    user = User.objects.filter(username=name).first() if name and "\0" not in name else None
    _write(user, None, "user.sign_in_refused")


@transaction.atomic
def _write(user: User | None, actor: User | None, action: str) -> None:
    organizations: list[Organization | None] = list(user.organizations.order_by("pk")) if user else []
    for organization in organizations or [None]:
        record(
            organization=organization, actor=actor, action=action, object=user.username if user else NOBODY
        )
