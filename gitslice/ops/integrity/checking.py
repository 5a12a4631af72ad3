"""One check of everything: the rows of each organization, then packs, those first that were not checked for longest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Organization
from gitslice.objects.checking import (
    Budget,
    check_packs,
    damaged_packs,
    described,
    due_packs,
    note,
    subject_of,
)
from gitslice.objects.models import Pack
from gitslice.objects.verifying import Problem
from gitslice.ops.integrity.naming import check_patchsets, places_of
from slices.fsck import Finding, check_contents, check_organization


@dataclass
class Wanted:
    """What a check looks at. `days`: packs that were checked since are left out; None: none is. `again`: of the packs only
    those in which something was found."""

    packs: bool = True
    days: int | None = 30
    again: bool = False
    budget: Budget = field(default_factory=Budget)


def findings(organization: Organization, wanted: Wanted) -> Iterator[Finding]:
    """What is wrong in an organization; none is good news."""
    yield from check_organization(organization)
    yield from check_contents(organization)
    yield from check_patchsets(organization)
    if wanted.packs:
        for pack, problems in check_packs(_packs(organization, wanted), wanted.budget):
            note(organization.pk, subject_of(pack), [described(problem) for problem in problems])
            yield from (pack_finding(pack, problem) for problem in problems)


def _packs(organization: Organization, wanted: Wanted) -> QuerySet[Pack]:
    if wanted.again:
        return damaged_packs(organization.pk)
    before = None if wanted.days is None else timezone.now() - timedelta(days=wanted.days)
    return due_packs(organization.pk, before)


def pack_finding(pack: Pack, problem: Problem) -> Finding:
    facts: dict[str, Any] = {"pack": str(pack)}
    text = described(problem)
    if problem.digest is not None:
        facts |= {"digest": problem.digest.hex(), "offset": problem.offset}
        places = places_of(pack.organization_id, problem.digest)
        facts["places"] = [{"path": place.path, "in": place.where} for place in places]
        named = ", ".join(f"{place.path} in {place.where}" for place in places)
        text += f" (it is {named})" if named else " (nothing names it)"
    return Finding(subject_of(pack), text, facts=facts)
