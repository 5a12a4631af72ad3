"""Tokens that are limited to slices: their user sees these and nothing else, and administers no organization.

The user of a request carries the token it came with (`User.token`), so `visible_to` and roles know of the limit wherever
the user is asked about.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser

from accounts.errors import TokenTooNarrow

if TYPE_CHECKING:
    from accounts.models import ApiToken, User


def limit_of(user: User | AnonymousUser) -> Collection[int] | None:
    """Ids of the slices that the user's token is limited to; None: not limited."""
    token: ApiToken | None = getattr(user, "token", None)
    return token.slices if token else None


def require_unlimited(user: User) -> None:
    """Raises TokenTooNarrow for what nobody does inside of some slices."""
    if limit_of(user) is not None:
        raise TokenTooNarrow("a token that is limited to slices may not do this")


def require_within(actor: User, scopes: Iterable[str], slices: Collection[int] | None) -> None:
    """A token makes none that may do more than itself. Raises TokenTooNarrow."""
    beyond = set(scopes) - set(actor.token.scopes) if actor.token else ()
    if beyond:
        raise TokenTooNarrow(f"your own token has not the scope {sorted(beyond)[0]}", scopes=sorted(beyond))
    limit = limit_of(actor)
    if limit is not None and (slices is None or not set(slices).issubset(limit)):
        raise TokenTooNarrow("your own token is limited to fewer slices")
