from gitslice.common.errors import InvalidRequest, NotFound


class MemberNotFound(NotFound):
    """No such member of the organization."""


class TeamNotFound(NotFound):
    """No such team of the organization."""


class InvitationNotFound(NotFound):
    """No such invitation, or a link that does not work any more."""

    hint = "links work once, for 7 days: ask who invited you for a new one"


class MailIsOff(InvalidRequest):
    hint = "an administrator of this server sets GITSLICE_EMAIL_URL; members can also be added by user name"
