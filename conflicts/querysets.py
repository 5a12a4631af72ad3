from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.db import models

from slices.models import Slice

if TYPE_CHECKING:
    from accounts.models import User
    from conflicts.models import Conflict  # noqa: F401 (named in quotes)


class ConflictQuerySet(models.QuerySet["Conflict"]):
    def visible_to(self, user: User | AnonymousUser) -> ConflictQuerySet:
        """Conflicts of changesets whose slice the user may read."""
        return self.filter(changeset__slice__in=Slice.objects.visible_to(user))

    def open(self) -> ConflictQuerySet:
        return self.filter(state="open")
