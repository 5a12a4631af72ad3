"""Invitations by a link in an e-mail. No answer depends on whether the address has an account here: whoever opens the
link joins, with an account of theirs or a new one."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import partial

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from accounts.models import Invitation, Membership, Organization, User
from accounts.people.changes import audit, lock_organization, set_member, sign_out
from accounts.people.errors import InvitationNotFound, MailIsOff
from accounts.quotas.services import MEMBERS, require_room
from accounts.services import create_user, require_admin
from accounts.sso.enforcement import owes_sign_in, require_way_in
from accounts.tasks import send_invitation
from accounts.token_limits import require_unlimited
from accounts.tokens import digest_of
from gitslice.common.audit import record
from gitslice.common.errors import InvalidRequest, NameTaken, PermissionDenied
from gitslice.common.limits import Limit, spend
from gitslice.common.secrets import seal

LIFETIME = timedelta(days=7)
MAX_PENDING = 5_000  # of one organization
MOST_LETTERS = 10  # to one address in an hour
STRENGTH: dict[str, int] = {Membership.Role.MEMBER: 0, Membership.Role.ADMIN: 1, Membership.Role.OWNER: 2}


@transaction.atomic
def invite(
    *, actor: User, organization: Organization, email: str, role: str = Membership.Role.MEMBER
) -> Invitation:
    """Mail a link with which one joins. Only owners invite owners.

    Raises InvalidRequest, MailIsOff, NameTaken, QuotaExceeded where nobody could join now."""
    lock_organization(organization)
    _require_rank(actor, organization, role)
    email = _plain_address(email)
    _require_mail()
    require_room(organization, MEMBERS)
    pending = organization.invitations.pending()
    if pending.filter(email=email).exists():
        raise NameTaken(f"{email} is invited already", hint="send the invitation again, or revoke it")
    if pending.count() >= MAX_PENDING:
        raise InvalidRequest(f"{organization} has {MAX_PENDING} open invitations: revoke some first")
    invitation = Invitation(organization=organization, email=email, role=role, invited_by=actor)
    _renew(invitation)
    audit(organization, actor, "invitation.create", email, role=role)
    return invitation


@transaction.atomic
def resend(*, actor: User, invitation: Invitation) -> Invitation:
    """Mail a new link, good for another 7 days; the one before is dead. Raises InvitationNotFound, MailIsOff."""
    current = _lock(actor, invitation)
    _require_mail()
    current.invited_by = actor
    _renew(current)
    audit(current.organization, actor, "invitation.resend", current.email)
    return current


@transaction.atomic
def revoke(*, actor: User, invitation: Invitation) -> None:
    """The link is dead. Raises InvitationNotFound for one that is accepted or revoked."""
    current = _lock(actor, invitation)
    current.revoked_at = timezone.now()
    current.save(update_fields=["revoked_at"])
    audit(current.organization, actor, "invitation.revoke", current.email)


def open_invitation(token: str) -> Invitation:
    """The invitation of a link, if it still works. Raises InvitationNotFound, the same for all that do not."""
    found = Invitation.objects.select_related("organization", "invited_by").filter(digest=digest_of(token))
    invitation = found.first()
    if invitation is None or not invitation.is_open():
        raise InvitationNotFound("the invitation does not work, or not any more")
    return invitation


@transaction.atomic
def accept(*, user: User, token: str) -> Membership:
    """Join with an account that one has. Who is in it already keeps the stronger role. Raises InvitationNotFound,
    QuotaExceeded, NoWayIn."""
    require_unlimited(user)
    invitation = _take(token)
    organization = invitation.organization
    membership = organization.memberships.filter(user=user).first()
    if membership is None or STRENGTH[membership.role] < STRENGTH[invitation.role]:
        if membership is None and invitation.role != Membership.Role.OWNER:
            require_way_in(organization, user)
        membership = set_member(organization, user, invitation.role, user)
    if not user.email:
        user.email = invitation.email
        user.save(update_fields=["email"])
        _verify_address(user)
    _close(invitation, user)
    if owes_sign_in(user):
        sign_out(User.objects.filter(pk=user.pk))
    return membership


@transaction.atomic
def accept_as_new(*, token: str, username: str, password: str, name: str = "") -> User:
    """Join with a new account that has the invitation's address.

    Raises InvitationNotFound, InvalidRequest for a bad name or a weak password, NameTaken, QuotaExceeded.
    """
    invitation = _take(token)
    user = create_user(username=username, email=invitation.email, password=password)
    user.first_name, _, user.last_name = (part.strip()[:150] for part in name.partition(" "))
    user.save(update_fields=["first_name", "last_name"])
    _verify_address(user)
    set_member(invitation.organization, user, invitation.role, user)
    _close(invitation, user)
    return user


def _verify_address(user: User) -> None:
    """The link has shown that the address is theirs."""
    EmailAddress.objects.get_or_create(
        user=user, email=user.email, defaults={"primary": True, "verified": True}
    )


def _take(token: str) -> Invitation:
    """The invitation of a link that works; nobody else takes it until the transaction ends."""
    found = open_invitation(token)
    lock_organization(found.organization)
    return open_invitation(token)


def _close(invitation: Invitation, user: User) -> None:
    invitation.accepted_at, invitation.accepted_by = timezone.now(), user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    record(
        organization=invitation.organization,
        actor=user,
        action="invitation.accept",
        object=invitation.email,
        detail={"role": invitation.role},
    )


def _renew(invitation: Invitation) -> None:
    """A new token, mailed after commit. Sealed on its way through the queue. Raises TooManyRequests where the address
    has had so many of late, from whatever organization."""
    spend([Limit("invitation", digest_of(invitation.email).hex(), MOST_LETTERS, 3600)])
    token = secrets.token_urlsafe(32)
    invitation.digest = digest_of(token)
    invitation.expires_at = timezone.now() + LIFETIME
    invitation.save()
    send = partial(send_invitation.delay, invitation.pk, seal(token))
    transaction.on_commit(send, robust=True)


def _lock(actor: User, invitation: Invitation) -> Invitation:
    lock_organization(invitation.organization)
    pending = Invitation.objects.pending().select_related("organization", "invited_by")
    current = pending.filter(pk=invitation.pk).first()
    if current is None:
        raise InvitationNotFound("the invitation is accepted or revoked")
    _require_rank(actor, current.organization, current.role)
    return current


def _require_rank(actor: User, organization: Organization, role: str) -> None:
    own_role = require_admin(actor, organization)
    if role == Membership.Role.OWNER and own_role != Membership.Role.OWNER:
        raise PermissionDenied(f"only owners of {organization} may make owners")


def _plain_address(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidRequest(f"{email[:254]!r} is no e-mail address") from None
    if len(email) > 254:
        raise InvalidRequest("an e-mail address has at most 254 characters")
    return email


def _require_mail() -> None:
    if settings.EMAIL_BACKEND.endswith("dummy.EmailBackend"):
        raise MailIsOff("this server sends no mail, so it cannot invite anybody")
