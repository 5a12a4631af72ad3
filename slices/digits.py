"""Commits, landed and global, by the first digits of their ids."""

from __future__ import annotations

import re
from typing import TypeVar

from django.db.models import QuerySet

from slices.errors import AmbiguousCommit
from slices.models import Commit, GlobalCommit

C = TypeVar("C", Commit, GlobalCommit)

DIGITS = re.compile(r"[0-9a-f]{6,64}")


def digits_of(text: str) -> str | None:
    """The digits that `text` gives, in small letters; None if it is no beginning of an id."""
    digits = text.lower()
    return digits if DIGITS.fullmatch(digits) else None


def beginning_with(commits: QuerySet[C], digits: str) -> QuerySet[C]:
    low, high = (bytes.fromhex(digits.ljust(64, fill)) for fill in "0f")
    return commits.filter(digest__gte=low, digest__lte=high)


def only_one(commits: QuerySet[C], digits: str) -> C | None:
    """The one of the commits whose id begins with the digits. Raises AmbiguousCommit."""
    found = list(beginning_with(commits, digits).order_by("pk")[:2])
    if len(found) > 1:
        raise AmbiguousCommit(f"{digits} begins the ids of several commits")
    return found[0] if found else None
