"""What every view of a slice begins with."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser

from accounts.api.access import signed_in
from accounts.models import User
from slices.access import find_access
from slices.errors import SliceNotFound
from slices.models import Slice


def visible_slice(user: User | AnonymousUser, org: str, name: str) -> Slice:
    """The slice if the user may see it; else SliceNotFound, or Unauthenticated for strangers."""
    named = "\0" not in org + name  # which the database does not take in a text
    access = find_access(user, org, name) if named else None
    if access is None:
        signed_in(user)
        raise SliceNotFound(org, name)
    return access.slice
