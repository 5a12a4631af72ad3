"""Taking back tokens of others, for staff."""

from __future__ import annotations

from collections.abc import Iterable

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


def require_staff(actor: User) -> None:
    """Raises PermissionDenied."""
    if not (actor.is_superuser or (actor.is_staff and actor.has_perm("accounts.change_user"))):
        raise PermissionDenied("only staff who may change users may do this")
