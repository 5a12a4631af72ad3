"""What organizations may have: checked and counted where it is made, set by administrators of the server."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F, Q, Sum

from accounts.models import Organization, User
from accounts.quotas.models import Quota
from gitslice.common.audit import record

BYTES, SLICES, MEMBERS = Quota.Kind.BYTES, Quota.Kind.SLICES, Quota.Kind.MEMBERS
ROOT = "root"  # the slice that every organization has


def begin(organization: Organization, *, members: int) -> None:
    """A new organization has no limits."""
    used = {BYTES: 0, SLICES: 0, MEMBERS: members}
    Quota.objects.bulk_create(
        Quota(organization=organization, kind=kind, used=number) for kind, number in used.items()
    )


def quotas_of(organization: Organization) -> list[Quota]:
    """In the order of Quota.Kind."""
    order = list(Quota.Kind)
    return sorted(organization.quotas.all(), key=lambda quota: order.index(Quota.Kind(quota.kind)))


def quota_of(organization: Organization, kind: str) -> Quota:
    return organization.quotas.get(kind=kind)


def require_room(organization: Organization, kind: str, amount: int = 1) -> None:
    """As things are now, for who wants to know early. Raises QuotaExceeded."""
    quota_of(organization, kind).require_room(amount)


def take(organization: Organization, kind: str) -> None:
    """Count one more, in the caller's transaction: who takes meanwhile waits for its end. Raises QuotaExceeded."""
    rows = Quota.objects.filter(organization=organization, kind=kind)
    if not rows.filter(Q(limit=None) | Q(limit__gt=F("used"))).update(used=F("used") + 1):
        raise rows.get().exceeded(1)


def give_back(organization: Organization, kind: str) -> None:
    """Count one less, in the caller's transaction."""
    Quota.objects.filter(organization=organization, kind=kind).update(used=F("used") - 1)


@transaction.atomic
def set_limit(*, actor: User | None, organization: Organization, kind: str, limit: int | None) -> None:
    """What is above a new limit stays, and nothing more comes in. `actor` is None for who works on the server itself;
    the administration has authorised others."""
    quota = organization.quotas.select_for_update(no_key=True).get(kind=kind)
    detail = {"limit": limit, "before": quota.limit}
    if kind == BYTES and quota.limit is None:
        quota.used = _count(organization, BYTES)
    quota.limit = limit
    quota.save(update_fields=["limit", "used"])
    record(
        organization=organization,
        actor=actor,
        action="quota.change",
        object=f"{organization} {kind}",
        detail=detail,
    )


@transaction.atomic
def recount(organization: Organization) -> None:
    """Make `used` anew of what there is. What comes in waits for it: seconds for millions of packs."""
    locked = organization.quotas.select_for_update(no_key=True).order_by("pk")
    for quota in locked:
        quota.used = _count(organization, quota.kind)
        quota.save(update_fields=["used"])


def _count(organization: Organization, kind: str) -> int:
    rows: Any = organization
    if kind == BYTES:
        return rows.packs.aggregate(total=Sum("size"))["total"] or 0
    if kind == SLICES:
        return rows.slices.exclude(name=ROOT).count()
    return organization.memberships.filter(user__service_of=None).count()
