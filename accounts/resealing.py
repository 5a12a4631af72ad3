"""A new secret key for what the old one sealed: everything that is sealed in the database, row by row.

A row that the newest key opens is left alone, so that who is stopped may begin again, and a second run changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import models, transaction

from accounts.models import IdempotencyKey
from accounts.sso.models import IdentityProvider
from accounts.webhooks.models import Webhook
from gitslice.common.secrets import Unreadable, resealed

CHUNK = 500  # rows that are read at once


@dataclass(frozen=True)
class Place:
    """A field that holds a sealed text, or a document of JSON that holds some under `keys`: texts or lists of texts."""

    model: type[models.Model]
    field: str
    keys: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.model._meta.label_lower}.{self.field}"

    def resealed(self, value: Any) -> Any:
        """Raises Unreadable."""
        if not value:
            return value
        if not self.keys:
            return resealed(value)
        return value | {key: _resealed(value[key]) for key in self.keys if value.get(key)}


PLACES = (
    Place(Webhook, "secret"),
    Place(Webhook, "old_secret"),
    Place(IdentityProvider, "client_secret"),
    Place(IdentityProvider, "own_key"),
    Place(Authenticator, "data", ("secret", "seed", "migrated_codes")),
    Place(IdempotencyKey, "body", ("secret",)),
)


@dataclass
class Outcome:
    """Of one place: rows that got the newest key, rows that had it, and those that no key of ours opens."""

    name: str
    changed: int
    current: int
    unreadable: list[int]


def reseal_everything() -> Iterator[Outcome]:
    for place in PLACES:
        outcome = Outcome(place.name, 0, 0, [])
        for pk, value in _rows(place):
            try:
                if place.resealed(value) == value:
                    outcome.current += 1
                else:
                    _reseal(place, pk)
                    outcome.changed += 1
            except Unreadable:
                outcome.unreadable.append(pk)
        yield outcome


def _rows(place: Place) -> Iterator[tuple[int, Any]]:
    """Those that hold a secret. In chunks by key, so that no transaction stays open."""
    rows = place.model._default_manager.order_by("pk")
    rows = rows.filter(_has_secret(place))
    last = 0
    while chunk := list(rows.filter(pk__gt=last).values_list("pk", place.field)[:CHUNK]):
        yield from chunk
        last = chunk[-1][0]


def _has_secret(place: Place) -> models.Q:
    if place.keys:
        return models.Q(**{f"{place.field}__has_any_keys": list(place.keys)})
    return ~models.Q(**{place.field: ""})


@transaction.atomic
def _reseal(place: Place, pk: int) -> None:
    """Under a lock, with what stands there now: somebody may just have changed it."""
    locked = place.model._default_manager.select_for_update().filter(pk=pk)
    for value in locked.values_list(place.field, flat=True):
        place.model._default_manager.filter(pk=pk).update(**{place.field: place.resealed(value)})


def _resealed(value: str | list[str]) -> str | list[str]:
    return [resealed(text) for text in value] if isinstance(value, list) else resealed(value)
