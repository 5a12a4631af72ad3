"""What of a tree somebody may search: the paths that the slices which they see cover."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from accounts.models import Organization
from slices.errors import SliceNotFound
from slices.history import Reader
from slices.models import Slice
from slices.patterns import Patterns, patterns_of


@dataclass(frozen=True)
class Sight:
    """The slices of one organization that a reader sees, or the one of them that they chose."""

    organization: Organization
    slices: tuple[Slice, ...]

    def sql(self, column: str) -> tuple[str, list[Any]]:
        """A condition that holds for the paths that one of the slices covers, and its parameters."""
        patterns = set(self._patterns.values())
        if any(one.everything for one in patterns):
            return "TRUE", []
        terms: list[str] = []
        parameters: list[Any] = []
        for one in sorted(patterns, key=lambda one: (one.includes, one.excludes)):
            term, values = one.sql(column)
            terms.append(term)
            parameters += values
        return f"({' OR '.join(terms) or 'FALSE'})", parameters

    def slice_of(self, path: str) -> str:
        """The name of a slice through which the reader sees the path: the first by name, root only if there is no other."""
        covering = [slice for slice, patterns in self._patterns.items() if patterns.covers(path)]
        return min(covering, key=lambda slice: (slice.is_root, slice.name)).name

    @cached_property
    def _patterns(self) -> dict[Slice, Patterns]:
        return {slice: patterns_of(slice) for slice in self.slices}


def sight_of(reader: Reader, organization: Organization, name: str = "") -> Sight:
    """Raises SliceNotFound for a name of none that they see."""
    slices = Slice.objects.visible_to(reader).filter(organization=organization).select_related("definition")
    if name:
        slices = slices.filter(name=name)
    found = tuple(slices)
    if name and not found:
        raise SliceNotFound(organization.slug, name)
    return Sight(organization, found)
