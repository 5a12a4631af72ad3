"""Taking back tokens and second factors of others, for staff."""

from __future__ import annotations

from collections.abc import Iterable

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils import timezone

from accounts.models import ApiToken, User
from gitslice.common.audit import record
from gitslice.common.errors import PermissionDenied


@transaction.atomic
def revoke_tokens(*, actor: User, tokens: Iterable[ApiToken]) -> int:
    """Revoke anybody's tokens, for staff; gives how many lived. Raises PermissionDenied."""
    require_staff(actor)
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
def remove_factor(*, actor: User, factor: Authenticator) -> None:
    """Take a second factor or a passkey from somebody who has lost it, for staff. Raises PermissionDenied."""
    require_staff(actor)
    require_not_above(actor, factor.user)
    name, detail = factor.user.username, {"type": factor.type}
    factor.delete()
    record(organization=None, actor=actor, action="user.second_factor_remove", object=name, detail=detail)


def require_not_above(actor: User, user: User) -> None:
    """Staff are left to superusers. Raises PermissionDenied."""
    if (user.is_superuser or user.is_staff) and not actor.is_superuser:
        raise PermissionDenied("only superusers may do this to staff and superusers")


def require_staff(actor: User) -> None:
    """Raises PermissionDenied."""
    if not (actor.is_superuser or (actor.is_staff and actor.has_perm("accounts.change_user"))):
        raise PermissionDenied("only staff who may change users may do this")
