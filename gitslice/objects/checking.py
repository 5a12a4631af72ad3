"""Packs checked one after the other, those first that never were or not for longest; what is wrong is kept as Damage."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from gitslice.common.rows import fetch_rows
from gitslice.objects.models import Damage, Pack
from gitslice.objects.verifying import Problem, check_pack

BATCH = 500


@dataclass
class Budget:
    """What a run may cost; None: any amount."""

    max_seconds: float | None = None
    max_bytes: int | None = None
    packs: int = 0
    bytes: int = 0
    _began: float = field(default_factory=time.monotonic)

    @property
    def is_spent(self) -> bool:
        if self.max_bytes is not None and self.bytes >= self.max_bytes:
            return True
        return self.max_seconds is not None and time.monotonic() - self._began >= self.max_seconds


def due_packs(organization_id: int | None = None, before: datetime | None = None) -> QuerySet[Pack]:
    """Of one organization or all; `before`: those that were not checked since, or in which something was found."""
    packs = Pack.objects.all()
    if organization_id is not None:
        packs = packs.filter(organization=organization_id)
    if before is not None:
        packs = packs.filter(Q(checked_at=None) | Q(checked_at__lt=before) | Q(pk__in=_damaged()))
    return packs.order_by(F("checked_at").asc(nulls_first=True), "pk")


def damaged_packs(organization_id: int) -> QuerySet[Pack]:
    """Those in which something was found that is not mended yet."""
    return due_packs(organization_id).filter(pk__in=_damaged())


def check_packs(packs: QuerySet[Pack], budget: Budget) -> Iterator[tuple[Pack, list[Problem]]]:
    """Check them until the budget is spent; gives each with what is wrong with it."""
    began = timezone.now()
    waiting = packs.filter(Q(checked_at=None) | Q(checked_at__lt=began))
    while True:
        batch = list(waiting[:BATCH])
        if not batch:
            return
        for pack in batch:
            if budget.is_spent:
                return
            problems = check_pack(pack)
            kept = Pack.objects.filter(pk=pack.pk).update(checked_at=timezone.now())
            budget.packs, budget.bytes = budget.packs + 1, budget.bytes + pack.size
            if kept:  # else it was rewritten meanwhile, and its object may be gone
                yield pack, problems


def subject_of(pack: Pack) -> str:
    return f"pack {pack}"


def described(problem: Problem) -> str:
    if problem.digest is None:
        return problem.text
    return f"blob {problem.digest.hex()} at offset {problem.offset}: {problem.text}"


def note(organization_id: int, subject: str, problems: Collection[str]) -> list[Damage]:
    """Keep what a check found wrong with a subject; what it no longer finds is mended. Gives what is new."""
    now = timezone.now()
    rows = Damage.objects.filter(organization=organization_id, subject=subject, mended_at=None)
    known = set(rows.values_list("problem", flat=True))
    if known:
        rows.filter(problem__in=problems).update(seen_at=now)
        rows.exclude(problem__in=problems).update(mended_at=now)
    new = [
        Damage(organization_id=organization_id, subject=subject, problem=problem, seen_at=now)
        for problem in sorted(set(problems) - known)
    ]
    return Damage.objects.bulk_create(new, ignore_conflicts=True) if new else []


def _damaged() -> list[int]:
    sql = (
        "SELECT pack.id FROM objects_pack pack JOIN objects_damage damage ON damage.mended_at IS NULL"
        " AND damage.organization_id = pack.organization_id"
        " AND damage.subject = 'pack ' || encode(pack.digest, 'hex')"
    )
    return [pk for (pk,) in fetch_rows(sql, [])]
