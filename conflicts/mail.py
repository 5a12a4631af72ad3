"""E-mail about what happened: one mail a person, however much it was.

A run reads the feed on from where the last one stopped, collects for each person what they chose to hear of, and sends
it. The cursor moves first: a mail that cannot be sent is lost, none is sent twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction

from accounts.events import newest_position, settle
from accounts.models import Event, User
from changesets.models import Changeset
from conflicts.bodies import RELATED, conflict_bodies
from conflicts.models import Conflict, MailChoice, MailCursor

log = logging.getLogger(__name__)

AT_ONCE = 5_000  # events of one run
SHOWN = 50  # lines of a kind in a mail
LOCK = "SELECT pg_advisory_xact_lock(hashtext('conflicts_mailcursor'))"

CONFLICTS = {"conflict.opened", "conflict.updated", "conflict.assigned", "conflict.commented"}
REQUESTS = {"changeset.create", "changeset.update"}  # concern the reviewers
# These concern the author, and whom the event names: who is asked, answered or mentioned.
REVIEWS = {
    *("changeset.approve", "changeset.reject", "changeset.comment", "changeset.withdraw"),
    "changeset.request",
}
LANDINGS = {"changeset.land", "changeset.abandon"}

News = dict[int, list[Event]]  # user id -> events


def send_news() -> int:
    """Mail what happened since the last run; gives the number of mails."""
    events = _next_events()
    if not events or settings.EMAIL_BACKEND.endswith("dummy.EmailBackend"):
        return 0
    news = _news(events)
    people = User.objects.filter(pk__in=news, is_active=True).exclude(email="").select_related("mail_choice")
    mails = [mail for user in people if (mail := _mail(user, news[user.pk])) is not None]
    with get_connection() as outbox:
        return sum(_sent(outbox, mail) for mail in mails)


@transaction.atomic
def _next_events() -> list[Event]:
    """What happened since the last run, which is taken care of from now on. The first run begins with what is to come."""
    settle()
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
    last = MailCursor.objects.first()
    if last is None:
        MailCursor.objects.create(position=newest_position())
        return []
    events = list(Event.objects.filter(position__gt=last.position).order_by("position")[:AT_ONCE])
    if events:
        MailCursor.objects.filter(pk=last.pk).update(position=events[-1].position)
    return events


def _news(events: Sequence[Event]) -> News:
    """Who is concerned by which events. Nobody is told what they did themselves."""
    asked = {event.changeset for event in events if event.kind in REQUESTS}
    reviewers = _reviewers(pk for pk in asked if pk is not None)
    news: News = {}
    for event in events:
        people = reviewers.get(event.changeset or 0, set()) if event.kind in REQUESTS else set(event.users)
        for person in people - {event.body.get("actor_id")}:
            news.setdefault(person, []).append(event)
    return news


def _reviewers(changeset_ids: Iterable[int]) -> dict[int, set[int]]:
    rows = Changeset.reviewers.through._default_manager.filter(changeset__in=list(changeset_ids))
    found: dict[int, set[int]] = {}
    for changeset_id, user_id in rows.values_list("changeset_id", "user_id"):
        found.setdefault(changeset_id, set()).add(user_id)
    return found


def _mail(user: User, events: Sequence[Event]) -> EmailMessage | None:
    """The mail for one person; None if there is nothing that they chose to hear of and may see."""
    choice = getattr(user, "mail_choice", None) or MailChoice(user=user)
    parts = []
    if choice.conflicts:
        parts.append(("conflict", "conflicts", _conflict_lines(user, events)))
    if choice.reviews:
        parts.append(("review", "reviews", _changeset_lines(user, events, REQUESTS | REVIEWS)))
    if choice.landings:
        parts.append(("landing", "landings", _changeset_lines(user, events, LANDINGS)))
    parts = [part for part in parts if part[2]]
    if not parts:
        return None
    counts = [f"{len(lines)} {one if len(lines) == 1 else many}" for one, many, lines in parts]
    text = "\n\n".join("\n".join(_shortened(lines)) for _, _, lines in parts)
    text += f"\n\n{settings.GITSLICE_PUBLIC_URL}\n"
    return EmailMessage(subject=f"GitSlice: {', '.join(counts)}", body=text, to=[user.email])


def _conflict_lines(user: User, events: Sequence[Event]) -> list[str]:
    """Each conflict once, as it is now; none that is over or needs nothing done."""
    wanted = {event.body["conflict"] for event in events if event.kind in CONFLICTS}
    rows = (
        Conflict.objects.open().visible_to(user).filter(pk__in=wanted).exclude(severity=Conflict.Severity.LOW)
    )
    bodies = conflict_bodies(list(rows.select_related(*RELATED).order_by("pk")), user)
    return [
        f"{body['severity'] or 'Conflict'}: {body['path']} in {body['changeset']}: {body['hint']}"
        for body in bodies
    ]


def _changeset_lines(user: User, events: Sequence[Event], kinds: set[str]) -> list[str]:
    """Each changeset once for each kind of event."""
    wanted = {event.changeset for event in events if event.kind in kinds and event.changeset is not None}
    seen = set(Changeset.objects.visible_to(user).filter(pk__in=wanted).values_list("pk", flat=True))
    lines = {}
    for event in events:
        if event.kind in kinds and event.changeset in seen:
            body, verb = event.body, VERBS[event.kind]
            lines[event.kind, event.changeset] = (
                f"{body['actor']} {verb} {body['changeset']} in {body['slice']}: {body['title']}"
            )
    return list(lines.values())


VERBS = {
    "changeset.create": "asks you to review",
    "changeset.update": "has a new patchset of",
    "changeset.approve": "approved",
    "changeset.reject": "asked for changes in",
    "changeset.comment": "commented on",
    "changeset.withdraw": "withdrew the verdict on",
    "changeset.request": "asks for a review of",
    "changeset.land": "landed",
    "changeset.abandon": "abandoned",
}


def _shortened(lines: Sequence[str]) -> list[str]:
    more = [f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return [*lines[:SHOWN], *more]


def _sent(outbox: BaseEmailBackend, mail: EmailMessage) -> bool:
    mail.connection = outbox
    try:
        return bool(mail.send())
    except (SMTPException, OSError) as error:
        log.error("a mail to %s was not sent: %s", ", ".join(mail.to), error)
        return False
