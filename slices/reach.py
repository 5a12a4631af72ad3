"""Nobody widens their own sight, or that of others, by defining a slice."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from accounts.models import User
from gitslice.common.errors import PermissionDenied
from gitslice_core.paths import ancestors
from slices.access import administers
from slices.containment import contains, overlap_possible
from slices.globs import Pattern
from slices.models import ROOT, Slice
from slices.patterns import Patterns, patterns_of

WIDTH = {Slice.Visibility.PRIVATE: 0, Slice.Visibility.ORGANIZATION: 1, Slice.Visibility.PUBLIC: 2}


class BeyondSight(PermissionDenied):
    hint = "name paths of slices that you can read, or ask an owner of the organization"


def check_reach(author: User, organization_id: int, patterns: Patterns, visibility: str) -> None:
    """Every include must lie under an include of a slice that `author` can read and that is at least as visible, and
    that slice's excludes must be kept. Owners and admins may cover anything.

    Raises BeyondSight. The caller owns the epoch lock, so the other definitions hold still.
    """
    if administers(author, organization_id):
        return
    sources = [patterns_of(slice) for slice in _sources(author, organization_id, patterns, visibility)]
    for include in patterns.include_patterns:
        covering = [source for source in sources if _covers(source, include)]
        if not covering:
            raise BeyondSight(
                f"{include.text!r} is not covered by a slice that you can read and that is visible as widely",
                pattern=include.text,
            )
        dropped = [_dropped_excludes(source, include, patterns) for source in covering]
        if all(dropped):
            names = ", ".join(map(repr, dropped[0][:5]))
            raise BeyondSight(
                f"{include.text!r} lies in a slice that excludes {names}; exclude it too",
                pattern=include.text,
                excludes=dropped[0],
            )


def relevant_excludes(source: Patterns, include: Pattern) -> list[Pattern]:
    """The excludes that may take away from what `include` matches."""
    return [exclude for exclude in source.exclude_patterns if overlap_possible(exclude, include)]


def _sources(author: User, organization_id: int, patterns: Patterns, visibility: str) -> Iterable[Slice]:
    """Readable slices, visible enough, with an include at or above one of the patterns."""
    above = {
        folder
        for pattern in patterns.include_patterns
        for folder in ("", pattern.prefix, *ancestors(pattern.prefix))
    }
    wide_enough = [name for name, width in WIDTH.items() if width >= WIDTH[Slice.Visibility(visibility)]]
    slices = Slice.objects.visible_to(author).filter(organization=organization_id, visibility__in=wide_enough)
    return slices.filter(Q(prefixes__prefix__in=above) | Q(name=ROOT)).select_related("definition").distinct()


def _covers(source: Patterns, include: Pattern) -> bool:
    return any(contains(own, include) for own in source.include_patterns)


def _dropped_excludes(source: Patterns, include: Pattern, wanted: Patterns) -> list[str]:
    return [
        exclude.text
        for exclude in relevant_excludes(source, include)
        if not any(contains(kept, exclude) for kept in wanted.exclude_patterns)
    ]
