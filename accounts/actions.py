"""Who may do what: the one table, by which docs/permissions.md is written and every route is tested.

Authority itself is asked for where things are done (`require_admin`, `Access`, `visible_to`): this page says what must
come of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from accounts.scopes import ADMIN, ANY, READ, REVIEW, WRITE, Scope


class Caller(IntEnum):
    """Who asks, from the weakest to the strongest. Readers, writers and maintainers are those of the slice in question,
    admins and owners those of its organization. Whoever may do something, those above may too."""

    NOBODY = 0  # who is not signed in, or deactivated
    STRANGER = 1  # signed in, and of another organization
    MEMBER = 2
    READER = 3
    WRITER = 4
    MAINTAINER = 5
    ADMIN = 6
    OWNER = 7
    SUPERUSER = 8


SIGHT = None  # who sees the slice: its readers if it is private, all members, or everybody


@dataclass(frozen=True)
class Action:
    """`sees`: the weakest caller for whom the thing exists; below, it is 404, or 401 for who is not signed in.
    `may`: the weakest who may do it; between the two it is 403. `scope`: what a token needs besides."""

    does: str
    sees: Caller | None
    may: Caller | None
    scope: Scope | str | None


def _of(caller: Caller, scope: Scope | str | None, does: str) -> Action:
    return Action(does, caller, caller, scope)


def _of_organization(may: Caller, scope: Scope | str | None, does: str) -> Action:
    return Action(does, Caller.MEMBER, may, scope)


def _of_slice(may: Caller | None, scope: Scope | str | None, does: str) -> Action:
    return Action(does, SIGHT, may, scope)


ACTIONS: dict[str, Action] = {
    "enter": _of(Caller.NOBODY, ANY, "open what needs no account: sign-in, the API's description, health"),
    "look": _of(Caller.NOBODY, READ, "list what one may see: slices, changesets"),
    "self.token": _of(Caller.STRANGER, ANY, "see and end the token that one uses"),
    "self.read": _of(Caller.STRANGER, READ, "see one's own: organizations, tokens, choices"),
    "self.write": _of(Caller.STRANGER, WRITE, "change one's own choices"),
    "self.administer": _of(
        Caller.STRANGER, ADMIN, "change one's account and tokens, join, make organizations"
    ),
    "organization.read": _of_organization(
        Caller.MEMBER, READ, "see members, teams, conflicts, the global state"
    ),
    "organization.write": _of_organization(Caller.MEMBER, WRITE, "upload, make slices of what one may read"),
    "organization.inspect": _of_organization(
        Caller.ADMIN, READ, "see webhooks, invitations, service accounts, the audit trail"
    ),
    "organization.administer": _of_organization(
        Caller.ADMIN,
        ADMIN,
        "manage people, teams, sign-in, webhooks; merge, tag and revert the global state",
    ),
    "organization.own": _of_organization(Caller.OWNER, ADMIN, "make owners, and change or remove them"),
    "slice.read": _of_slice(SIGHT, READ, "read files, history, changesets and their conflicts"),
    "slice.roles": Action("see who has which role", None, Caller.MEMBER, READ),
    "slice.drafts": _of_slice(Caller.STRANGER, READ, "see one's own drafts, which nobody else sees"),
    "slice.discuss": _of_slice(Caller.STRANGER, REVIEW, "comment; change and withdraw what one said oneself"),
    "slice.review": _of_slice(Caller.WRITER, REVIEW, "approve, or ask for changes; report checks"),
    "slice.fork": _of_slice(Caller.MEMBER, WRITE, "make a slice of a folder of it"),
    "slice.write": _of_slice(
        Caller.WRITER,
        WRITE,
        "propose, ask for reviews, apply suggestions, rebase, resolve, land, revert, assign conflicts",
    ),
    "slice.abandon": _of_slice(Caller.MAINTAINER, WRITE, "abandon somebody else's changeset"),
    "slice.maintain": _of_slice(Caller.MAINTAINER, ADMIN, "change definition, policy, roles; lock"),
    "server.administer": _of(
        Caller.SUPERUSER, ADMIN, "deactivate and reactivate anybody; the administration"
    ),
}
