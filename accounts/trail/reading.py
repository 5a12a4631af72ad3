"""Reads the trail: searched by people, exported whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_date, parse_datetime

from accounts.models import AuditEvent, AuditLink, Organization
from accounts.trail.chaining import chain_events
from accounts.trail.encoding import NOTHING, time_text
from gitslice.common.errors import InvalidRequest

READ_AT_ONCE = 1_000
FILTERS = ("actor", "action", "object", "since", "until")


def events_of(organization: Organization, wanted: Mapping[str, str]) -> QuerySet[AuditEvent]:
    """Events of the organization that the filters let pass, newest first. Raises InvalidRequest.

    `actor` is a user name; `action` an action, or the first words of some (`changeset`); `object` a part of what was
    changed; `since` and `until` are days or moments, and include themselves.
    """
    chosen = Q()
    if actor := wanted.get("actor"):
        chosen &= Q(actor__username=actor)
    if action := wanted.get("action"):
        chosen &= Q(action=action) | Q(action__startswith=f"{action.rstrip('.')}.")
    if text := wanted.get("object"):
        chosen &= Q(object__icontains=text)
    if since := wanted.get("since"):
        chosen &= Q(at__gte=_moment("since", since, timedelta(0)))
    if until := wanted.get("until"):
        chosen &= Q(at__lt=_moment("until", until, timedelta(days=1)))
    events = organization.audit_events.filter(chosen).order_by("-pk")
    return events.select_related("actor", "token", "link")


def event_body(event: AuditEvent) -> dict[str, Any]:
    """The event as the list shows it; `position` and `digest` are null until it is chained."""
    link = getattr(event, "link", None)
    return {
        "id": event.pk,
        "at": time_text(event.at),
        "actor": event.actor.username if event.actor else None,
        "action": event.action,
        "object": event.object,
        "detail": event.detail,
        "address": event.address,
        "token": event.token.hint if event.token else None,
        "position": link.position if link else None,
        "digest": link.hex if link else None,
    }


def export_lines(organization: Organization, after: int) -> Iterator[bytes]:
    """The chain beyond a position, a JSON document a line (docs/audit.md), in blocks of lines."""
    chain_events()
    before = _digest_at(organization.pk, after).hex()
    lines: list[bytes] = []
    for link in chain_after(organization.pk, after):
        lines.append(json.dumps(_line(link, organization, before), ensure_ascii=False).encode() + b"\n")
        before = link.hex
        if len(lines) == READ_AT_ONCE:
            yield b"".join(lines)
            lines = []
    yield b"".join(lines)


def chain_after(organization_id: int | None, position: int) -> Iterator[AuditLink]:
    """The places beyond a position, in order, with their events and actors."""
    chain = AuditLink.objects.filter(organization=organization_id).select_related("event__actor")
    rows: Iterable[AuditLink] = [None]  # type: ignore[list-item]
    while rows:
        rows = list(chain.filter(position__gt=position).order_by("position")[:READ_AT_ONCE])
        for link in rows:
            yield link
            position = link.position


def _line(link: AuditLink, organization: Organization, before: str) -> dict[str, Any]:
    event = link.event
    return {
        "position": link.position,
        "previous": before,
        "digest": link.hex,
        "id": event.pk,
        "organization_id": event.organization_id,
        "organization": organization.slug,
        "actor_id": event.actor_id,
        "actor": event.actor.username if event.actor else None,
        "token_id": event.token_id,
        "action": event.action,
        "object": event.object,
        "detail": event.detail,
        "address": event.address,
        "at": time_text(event.at),
    }


def _digest_at(organization_id: int, position: int) -> bytes:
    link = AuditLink.objects.filter(organization=organization_id, position=position).first()
    return bytes(link.digest) if link else NOTHING


def _moment(name: str, text: str, day: timedelta) -> datetime:
    """The moment that a text names; of a whole day the beginning, moved by `day`."""
    try:
        if date := parse_date(text):
            return datetime.combine(date, time(), UTC) + day
        if moment := parse_datetime(text):
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return moment + timedelta(microseconds=1 if day else 0)
    except (ValueError, OverflowError):
        pass
    raise InvalidRequest(f"{name} is a day like 2026-01-31 or a time like 2026-01-31T12:30:00Z")
