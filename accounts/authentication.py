from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.sso.enforcement import UNMET
from accounts.sso.errors import SingleSignOnRequired
from accounts.tokens import digest_of
from gitslice.common.audit import Origin, current_origin, set_origin
from gitslice.common.errors import Unauthenticated
from gitslice.common.rows import Columns, fetch_row
from gitslice.telemetry.metrics import TOKENS_REFUSED

LAST_USE_PRECISION = timedelta(minutes=1)

TOKEN, USER = Columns(ApiToken, "token"), Columns(User, "account")
LIVE_TOKEN = f"""
SELECT {TOKEN.sql}, {USER.sql}, {UNMET} FROM accounts_apitoken token JOIN accounts_user account ON account.id = token.user_id
 WHERE token.digest = %s AND token.revoked_at IS NULL AND (token.expires_at IS NULL OR token.expires_at > %s)
   AND account.is_active
"""


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer gst_...`. Looked up on every request: revocation holds from the next one on."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, secret = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = live_token(secret.strip())
        set_origin(Origin(address=current_origin().address, token_id=token.pk))
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def live_token(secret: str) -> ApiToken:
    """The token with its user, or Unauthenticated: unknown, revoked, expired, or of a deactivated user. Raises
    SingleSignOnRequired where an organization of the user demands it."""
    now = timezone.now()
    row = fetch_row(LIVE_TOKEN, [digest_of(secret), now])
    if row is None:
        TOKENS_REFUSED.inc()
        raise Unauthenticated("the token is unknown, expired or revoked")
    values = iter(row)
    token = TOKEN.take(values)
    token.user = USER.take(values)
    token.user.token = token
    organization = next(values)
    if organization is not None:
        raise SingleSignOnRequired(
            f"{organization} wants its members to sign in through its identity provider"
        )
    if token.last_used_at is None or now - token.last_used_at > LAST_USE_PRECISION:
        _note_use(token, now)
    return token


def _note_use(token: ApiToken, now: datetime) -> None:
    """Requests that come at the same time ask again under the row's lock, so that one of them writes."""
    before = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USE_PRECISION)
    ApiToken.objects.filter(before, pk=token.pk).update(last_used_at=now)
