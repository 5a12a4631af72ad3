"""What every view of a slice begins with."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser

from accounts.api.access import signed_in
from accounts.models import User
from slices.errors import SliceNotFound
from slices.models import Slice
from slices.reading import LOADED


def visible_slice(user: User | AnonymousUser, org: str, name: str) -> Slice:
    """The slice if the user may see it; else SliceNotFound, or Unauthenticated for strangers."""
    slices = Slice.objects.visible_to(user).select_related(*LOADED)
    named = "\0" not in org + name  # which the database does not take in a text
    slice = slices.filter(organization__slug=org, name=name).first() if named else None
    if slice is None:
        signed_in(user)
        raise SliceNotFound(org, name)
    return slice
