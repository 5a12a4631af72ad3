"""From the first question of a program to its token."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.devices.codes import device_digest, new_device_code, new_user_code, user_digest
from accounts.devices.errors import AccessDenied, AuthorizationPending, ExpiredToken, InvalidGrant, SlowDown
from accounts.devices.models import CodeGuess, DeviceGrant
from accounts.errors import TooManyGuesses, UnknownCode
from accounts.models import ApiToken, User
from accounts.services import create_token
from accounts.support import require_own_hand
from gitslice.common.audit import record

CLIENTS = {"gs": "gs, the command line of GitSlice"}
LIFETIME = timedelta(minutes=10)
INTERVAL = 5  # seconds between questions; RFC 8628, 3.5 adds as many for who asks too often
MOST_GUESSES = 10  # wrong codes of one person within LIFETIME
MOST_WAITING = 200  # programs at one address within LIFETIME; a company may be behind one
KEPT = timedelta(days=1)

State = DeviceGrant.State


@dataclass(frozen=True)
class Begun:
    """A grant with its codes, which nobody else knows."""

    grant: DeviceGrant
    device_code: str
    user_code: str


def begin_grant(*, client: str, device_name: str, address: str | None, scopes: Collection[str]) -> Begun:
    """A program asks. Raises TooManyGuesses for an address from which very many ask."""
    now = timezone.now()
    if DeviceGrant.objects.filter(address=address, created_at__gt=now - LIFETIME).count() >= MOST_WAITING:
        raise TooManyGuesses("too many programs ask from your address", hint=None, retry_after=INTERVAL * 6)
    device_code, user_code = new_device_code(), new_user_code()
    grant = DeviceGrant.objects.create(
        device_digest=device_digest(device_code),
        user_digest=user_digest(user_code),
        client=client,
        device_name=device_name,
        address=address,
        scopes=list(scopes),
        interval=INTERVAL,
        expires_at=now + LIFETIME,
    )
    return Begun(grant, device_code, user_code)


def find_grant(*, actor: User, user_code: str) -> DeviceGrant:
    """The grant that waits for somebody who has this code. Raises UnknownCode, which counts as a guess, and
    TooManyGuesses from MOST_GUESSES on, whatever the code."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(
            pk=actor.pk
        )  # guesses are counted one after the other
        since = timezone.now() - LIFETIME
        if CodeGuess.objects.filter(user=actor, at__gt=since).count() >= MOST_GUESSES:
            raise TooManyGuesses("you tried too many wrong codes", retry_after=int(LIFETIME.total_seconds()))
        waiting = DeviceGrant.objects.filter(state=State.PENDING, expires_at__gt=timezone.now())
        grant = waiting.filter(user_digest=user_digest(user_code)).first()
        if grant is None:
            CodeGuess.objects.create(user=actor)
    if grant is None:
        raise UnknownCode("no program waits with this code")
    return grant


@transaction.atomic
def decide_grant(*, actor: User, grant: DeviceGrant, allow: bool) -> DeviceGrant:
    """Let the program act for `actor`, or not. Raises UnknownCode if somebody else was faster or time is up."""
    require_own_hand()
    grant = DeviceGrant.objects.select_for_update().get(pk=grant.pk)
    if grant.state != State.PENDING or grant.expires_at <= timezone.now():
        raise UnknownCode("the program waits no longer")
    grant.state, grant.user = State.ALLOWED if allow else State.DENIED, actor
    grant.save(update_fields=["state", "user"])
    detail = {"scopes": grant.scopes, "address": grant.address}
    action = "device.allow" if allow else "device.deny"
    record(organization=None, actor=actor, action=action, object=grant.title, detail=detail)
    return grant


def redeem_grant(*, client: str, device_code: str) -> tuple[ApiToken, str]:
    """The token of a grant that was allowed, once. Raises the errors of RFC 8628, 3.5, and InvalidGrant."""
    with transaction.atomic():
        rows = DeviceGrant.objects.select_for_update(of=("self",)).select_related("user")
        grant = rows.filter(device_digest=device_digest(device_code), client=client).first()
        answer = _answer(grant, timezone.now())
    if isinstance(answer, Exception):  # raised here, so that what was noted of the question is kept
        raise answer
    return answer


def _answer(grant: DeviceGrant | None, now: datetime) -> tuple[ApiToken, str] | Exception:
    if grant is None or grant.state == State.USED:
        return InvalidGrant("the device code is unknown, or was used")
    if grant.state == State.DENIED:
        return AccessDenied("the sign-in was denied")
    if grant.expires_at <= now:
        return ExpiredToken("the codes have expired")
    if grant.state == State.PENDING:
        return _wait(grant, now)
    if grant.user is None or not grant.user.is_active:
        return AccessDenied("the user is deactivated")
    grant.state = State.USED
    grant.save(update_fields=["state"])
    days = settings.GITSLICE_DEVICE_TOKEN_DAYS
    expires_at = now + timedelta(days=days) if days else None
    return create_token(user=grant.user, name=grant.title, scopes=grant.scopes, expires_at=expires_at)


def _wait(grant: DeviceGrant, now: datetime) -> AuthorizationPending | SlowDown:
    too_soon = grant.asked_at is not None and now - grant.asked_at < timedelta(seconds=grant.interval)
    if too_soon:
        grant.interval = min(grant.interval + INTERVAL, int(LIFETIME.total_seconds()))
    grant.asked_at = now
    grant.save(update_fields=["asked_at", "interval"])
    if too_soon:
        return SlowDown(f"ask every {grant.interval} seconds")
    return AuthorizationPending("nobody has decided yet")


def forget_old_grants() -> int:
    """Drop grants and guesses that mean nothing any more; gives the number of grants."""
    before = timezone.now() - KEPT
    CodeGuess.objects.filter(at__lt=before).delete()
    return DeviceGrant.objects.filter(expires_at__lt=before).delete()[0]
