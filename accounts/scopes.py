"""What API tokens may do: a token does what its scopes allow and its user may.

Every view of the API says in `scopes` which one each of its methods needs; accounts/permissions.py is where that is
enforced. Sessions of the browser have no scopes: people do there what they may.
"""

from __future__ import annotations

from django.db import models


class Scope(models.TextChoices):
    READ = "read"  # look at what the user may see
    WRITE = "write"  # slices, changesets, landing, everything that writes and is neither of these:
    REVIEW = "review"  # verdicts, comments, checks
    ADMIN = "admin"  # organizations, people, tokens, webhooks, policies and roles of slices, the global state


READ, WRITE, REVIEW, ADMIN = Scope
ANY = None  # any token will do: what a token is asked about itself


def every_scope() -> list[str]:
    return list(Scope.values)
