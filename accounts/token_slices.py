"""Slices that tokens are limited to, by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q

from accounts.errors import UnknownSlice
from accounts.models import ApiToken, Organization, User


def slices_named(user: User, names: Sequence[str]) -> list[int]:
    """Ids of the slices with these names (`acme/billing`), which the user sees. Raises UnknownSlice."""
    wanted = Q(pk=None)
    for organization, _, name in (text.replace("\0", "").partition("/") for text in names):
        wanted |= Q(organization__slug=organization, name=name)
    found = {str(slice): slice.pk for slice in _seen(user).filter(wanted).select_related("organization")}
    for name in names:
        if name not in found:
            raise UnknownSlice(f"there is no slice {name!r}")
    return sorted(found.values())


def slice_names(user: User, tokens: Iterable[ApiToken]) -> dict[int, str]:
    """Names of the slices that the tokens are limited to, as far as the user sees them."""
    ids = {pk for token in tokens for pk in token.slices or ()}
    if not ids:
        return {}
    rows = _seen(user).filter(pk__in=ids).values_list("pk", "organization__slug", "name")
    return {pk: f"{organization}/{name}" for pk, organization, name in rows}


def _seen(user: User) -> Any:
    """Slices that the user sees. They are of a later app, so we get at them by their relation to organizations."""
    slices: Any = Organization._meta.get_field("slices").related_model
    return slices.objects.visible_to(user)
