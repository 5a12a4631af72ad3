"""Does the trail still say what it said? Recomputes chains from their first event. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from accounts.models import AuditEvent, AuditLink
from accounts.trail.chaining import entry_of
from accounts.trail.encoding import NOTHING, digest_of
from accounts.trail.reading import chain_after

SETTLED = timedelta(minutes=10)  # after which an event without a place is none that is about to get one
NAMED = 20  # events without a place


@dataclass(frozen=True)
class Head:
    """The newest place of a chain: what was seen there once must stand there for ever."""

    position: int
    digest: bytes


def audit_findings(organization_id: int | None, known: Iterable[Head] = ()) -> Iterator[tuple[str, str]]:
    """(what, problem) of the organization's chain, or of the chain of events that belong to none.

    `known` are heads that were noted earlier, elsewhere: they show an end that was cut off, or a chain made anew.
    """
    wanted = {head.position: head.digest for head in known}
    position, before = 0, NOTHING
    for link in chain_after(organization_id, 0):
        position += 1
        name = f"audit event {link.event_id}"
        if link.position != position:
            yield name, f"stands at {link.position} of its chain, where {position} is missing"
            position = link.position
        yield from _link_findings(link, before)
        before = bytes(link.digest)
        if wanted.pop(position, before) != before:
            yield name, f"is not what was noted at {position}"
    for missing in sorted(wanted):
        yield f"audit chain of organization {organization_id}", f"ends at {position}, before {missing}"
    yield from _unchained(organization_id)


def heads() -> list[tuple[int | None, Head]]:
    """The newest place of every chain."""
    newest = AuditLink.objects.order_by("organization_id", "-position").distinct("organization_id")
    return [(link.organization_id, Head(link.position, bytes(link.digest))) for link in newest]


def _link_findings(link: AuditLink, before: bytes) -> Iterator[tuple[str, str]]:
    name = f"audit event {link.event_id}"
    event = link.event
    if event.organization_id != link.organization_id:
        yield name, "is in the chain of another organization"
    if digest_of(entry_of(event, link.position), before) != bytes(link.digest):
        yield name, "it, or one before it, is not what was chained"


def _unchained(organization_id: int | None) -> Iterator[tuple[str, str]]:
    old = AuditEvent.objects.filter(organization=organization_id, link=None, at__lt=timezone.now() - SETTLED)
    for pk in old.order_by("pk").values_list("pk", flat=True)[:NAMED]:
        yield f"audit event {pk}", "has no place in the chain"
