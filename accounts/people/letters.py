"""What is mailed about memberships."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMessage

from accounts.models import Invitation
from accounts.tokens import digest_of
from gitslice.common.secrets import unseal


def send_invitation(invitation_id: int, sealed: str) -> bool:
    """Mail the link, unless it is dead meanwhile; gives whether it was sent. Raises what sending raises."""
    token = unseal(sealed)
    rows = Invitation.objects.select_related("organization", "invited_by")
    invitation = rows.filter(pk=invitation_id, digest=digest_of(token)).first()
    if invitation is None or not invitation.is_open():
        return False
    return bool(_letter(invitation, token).send())


def _letter(invitation: Invitation, token: str) -> EmailMessage:
    organization = " ".join(invitation.organization.name.split())
    by = invitation.invited_by.username if invitation.invited_by else "An administrator"
    text = (
        f"{by} invites you to join {organization} on GitSlice as {invitation.role}.\n\n"
        f"{settings.GITSLICE_PUBLIC_URL}/invitations/{token}/\n\n"
        "The link works once, until "
        f"{invitation.expires_at:%Y-%m-%d %H:%M} UTC. If you did not expect it, do nothing.\n"
    )
    return EmailMessage(subject=f"Join {organization} on GitSlice", body=text, to=[invitation.email])
