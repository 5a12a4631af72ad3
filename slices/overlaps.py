"""Which other slices share which paths with a slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import User
from gitslice_core.paths import ancestors
from slices.models import Slice, SlicePrefix
from slices.patterns import patterns_of

SAMPLE = 100

SHARED = (
    "SELECT {slice} AS slice, count(*), (array_agg(path ORDER BY path))[:{sample}] FROM slices_pathhead"
    " WHERE organization_id = %s AND mode IS NOT NULL AND {one} AND {other}"
)


@dataclass(frozen=True)
class Overlap:
    """`path_count` paths that both cover now, of which `paths` are the first."""

    slice: Slice
    paths: list[str]
    path_count: int


def candidates(slice: Slice, user: User | AnonymousUser) -> QuerySet[Slice]:
    """Slices that the user may see with a prefix at, above or below one of ours, by name. Root, which shares everything
    with everybody, is left out."""
    related = Q()
    for prefix in patterns_of(slice).prefixes():
        if not prefix:
            related = Q()
            break
        related |= Q(prefix__in=["", prefix, *ancestors(prefix)])
        related |= Q(prefix__gt=f"{prefix}/", prefix__lt=f"{prefix}0")
    prefixes = SlicePrefix.objects.filter(related, organization=slice.organization_id).values("slice")
    others = Slice.objects.visible_to(user).filter(pk__in=prefixes).exclude(pk=slice.pk)
    return others.select_related("definition", "organization").order_by("name")


def overlaps(slice: Slice, others: Sequence[Slice]) -> list[Overlap]:
    """Those of `others` that share files with the slice now. One question for all."""
    if not others:
        return []
    one, values = patterns_of(slice).sql("path")
    queries: list[str] = []
    parameters: list[Any] = []
    for other in others:
        condition, more = patterns_of(other).sql("path")
        queries.append(SHARED.format(slice=int(other.pk), sample=SAMPLE, one=one, other=condition))
        parameters += [slice.organization_id, *values, *more]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(queries), parameters)
        shared = {pk: (count, paths) for pk, count, paths in cursor}
    return [
        Overlap(other, shared[other.pk][1], shared[other.pk][0]) for other in others if shared[other.pk][0]
    ]
