"""API tokens on pages: the form for a new one, and the list. One's own page has them, and that of a service account."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from accounts.api.tokens import MOST_SLICES
from accounts.models import ApiToken, User
from accounts.scopes import ADMIN, READ, REVIEW, WRITE, Scope
from accounts.token_slices import slice_names, slices_named
from gitslice.common.errors import InvalidRequest

MEANINGS = {
    READ: "look at slices, files, changesets and conflicts",
    WRITE: "make slices and changesets, resolve conflicts, land",
    REVIEW: "approve, reject, comment",
    ADMIN: "manage people, tokens, webhooks, policies and the global state",
}
EXPIRIES = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "365 days", "never": "never"}
MAX_NAME = 100


@dataclass(frozen=True)
class TokenForm:
    """What the form says: at first, or as it was sent. `slices` are names, separated by white space or commas."""

    name: str = ""
    scopes: tuple[str, ...] = (READ,)
    expiry: str = "90"
    slices: str = ""

    @classmethod
    def sent(cls, request: HttpRequest) -> TokenForm:
        sent = request.POST
        return cls(
            sent.get("token_name", "").strip(),
            tuple(sent.getlist("scopes")),
            sent.get("expiry", ""),
            sent.get("slices", ""),
        )

    def wanted(self, user: User) -> dict[str, Any]:
        """The token that the user asks for, as services take it. Raises InvalidRequest, UnknownSlice."""
        if not self.name or len(self.name) > MAX_NAME or "\0" in self.name:
            raise InvalidRequest(f"a token needs a name of at most {MAX_NAME} characters")
        if not self.scopes:
            raise InvalidRequest("choose at least one thing that the token may do")
        if not set(self.scopes).issubset(Scope.values):
            raise InvalidRequest(f"a token may {', '.join(Scope.values)}, and nothing else")
        if self.expiry not in EXPIRIES:
            raise InvalidRequest("choose when the token expires")
        days = None if self.expiry == "never" else int(self.expiry)
        return {
            "name": self.name,
            "scopes": self.scopes,
            "slices": self._slices(user),
            "expires_at": timezone.now() + timedelta(days=days) if days else None,
        }

    def _slices(self, user: User) -> list[int] | None:
        names = self.slices.replace(",", " ").split()
        if len(names) > MOST_SLICES:
            raise InvalidRequest(f"a token is limited to at most {MOST_SLICES} slices")
        for name in names:
            if "/" not in name:
                raise InvalidRequest(f"{name[:130]!r} names no organization: write it as acme/billing")
        return slices_named(user, names) if names else None


@dataclass(frozen=True)
class TokenRow:
    """A token in a list. `slices` are the names of those that it is limited to and the reader sees, `unseen` counts the
    others; `revoke` is where its button sends to."""

    token: ApiToken
    is_expired: bool
    slices: list[str] | None
    unseen: int
    revoke: str


def token_context(
    reader: User, tokens: Iterable[ApiToken], form: TokenForm, revoke: Callable[[ApiToken], str]
) -> dict[str, Any]:
    """What templates/accounts/parts/tokens.html shows."""
    tokens, now = list(tokens), timezone.now()
    names = slice_names(reader, tokens)
    return {
        "tokens": [_row(token, now, names, revoke(token)) for token in tokens],
        "token_form": form,
        "scopes": MEANINGS.items(),
        "expiries": EXPIRIES.items(),
    }


def _row(token: ApiToken, now: Any, names: dict[int, str], revoke: str) -> TokenRow:
    limit = token.slices
    seen = None if limit is None else sorted(names[pk] for pk in limit if pk in names)
    unseen = len(limit or ()) - len(seen or ())
    return TokenRow(token, bool(token.expires_at and token.expires_at <= now), seen, unseen, revoke)
