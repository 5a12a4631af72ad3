"""What an organization's directory signs in with: made and revoked by owners and admins."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Organization, ScimToken, User
from accounts.people.changes import audit
from accounts.services import require_admin
from accounts.support import require_own_hand
from accounts.tokens import digest_of, hint_of
from gitslice.common.errors import InvalidRequest, NotFound, Unauthenticated

PREFIX = "gsc_"
LAST_USE_PRECISION = timedelta(minutes=1)
MAX_NAME = 100


@transaction.atomic
def create_scim_token(*, actor: User, organization: Organization, name: str) -> tuple[ScimToken, str]:
    """A new token and its secret, which is shown this once and never stored."""
    require_own_hand()
    require_admin(actor, organization)
    name = name.strip()
    if not name or len(name) > MAX_NAME or "\0" in name:
        raise InvalidRequest(f"a token needs a name of at most {MAX_NAME} characters")
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ScimToken.objects.create(
        organization=organization, name=name, digest=digest_of(secret), hint=hint_of(secret), created_by=actor
    )
    audit(organization, actor, "scim_token.create", token.hint, name=name)
    return token, secret


@transaction.atomic
def revoke_scim_token(*, actor: User, organization: Organization, token_id: int) -> None:
    """The directory is refused from its next request on. Raises NotFound."""
    require_own_hand()
    require_admin(actor, organization)
    token = live_tokens(organization).select_for_update(of=("self",)).filter(pk=token_id).first()
    if token is None:
        raise NotFound("no such token")
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    audit(organization, actor, "scim_token.revoke", token.hint)


def live_tokens(organization: Organization):  # type: ignore[no-untyped-def]
    return organization.scim_tokens.filter(revoked_at=None).select_related("created_by").order_by("pk")


def directory_token(organization: str, secret: str) -> ScimToken:
    """The token with its organization. Raises Unauthenticated, the same for an organization that is not there."""
    tokens = ScimToken.objects.select_related("organization").filter(
        revoked_at=None, digest=digest_of(secret)
    )
    token = tokens.first()
    if token is None or token.organization.slug != organization:
        raise Unauthenticated(
            "the token is unknown or revoked", hint="make one on the organization's settings page"
        )
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > LAST_USE_PRECISION:
        ScimToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token
