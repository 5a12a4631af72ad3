"""Taking back what lets somebody in."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from accounts.models import ApiToken, Organization, User
from gitslice.common.audit import record
from gitslice.common.errors import PermissionDenied


@transaction.atomic
def revoke_tokens(*, actor: User, tokens: Iterable[ApiToken]) -> int:
    """Revoke anybody's tokens, for staff; gives how many lived. Raises PermissionDenied."""
    _require_staff(actor)
    wanted = [token.pk for token in tokens]
    living = ApiToken.objects.select_for_update(of=("self",)).filter(pk__in=wanted, revoked_at=None)
    revoked = list(living.select_related("user").order_by("pk"))
    for token in revoked:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        detail = {"user": token.user.username}
        record(organization=None, actor=actor, action="token.revoke", object=token.hint, detail=detail)
    return len(revoked)


@transaction.atomic
def deactivate_user(*, actor: User, user: User) -> None:
    """End a user's tokens and sessions, now and should they be activated again. Raises PermissionDenied: nobody
    deactivates themselves, and only superusers deactivate superusers."""
    _require_staff(actor)
    current = User.objects.select_for_update().get(pk=user.pk)
    if current.pk == actor.pk:
        raise PermissionDenied("nobody deactivates themselves")
    if current.is_superuser and not actor.is_superuser:
        raise PermissionDenied("only superusers deactivate superusers")
    current.is_active = False
    current.save(update_fields=["is_active"])
    revoke_tokens(actor=actor, tokens=current.api_tokens.all())
    end_sessions(current)
    organizations: list[Organization | None] = list(current.organizations.order_by("pk"))
    for organization in organizations or [None]:
        record(organization=organization, actor=actor, action="user.deactivate", object=current.username)


def end_sessions(user: User) -> int:
    """Sign a user out everywhere; gives the number of sessions. Whose a session is stands inside it."""
    living = Session.objects.filter(expire_date__gt=timezone.now()).iterator()
    own = [session.pk for session in living if session.get_decoded().get(SESSION_KEY) == str(user.pk)]
    Session.objects.filter(pk__in=own).delete()
    return len(own)


def _require_staff(actor: User) -> None:
    if not (actor.is_active and actor.is_staff and actor.has_perm("accounts.change_user")):
        raise PermissionDenied("only staff who may change users may do this")
