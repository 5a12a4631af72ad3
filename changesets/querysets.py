from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.db import models

from slices.models import Slice

if TYPE_CHECKING:
    from accounts.models import User
    from changesets.models import Changeset  # noqa: F401 (named in quotes)


class ChangesetQuerySet(models.QuerySet["Changeset"]):
    def visible_to(self, user: User | AnonymousUser) -> ChangesetQuerySet:
        """Changesets of slices that the user may read."""
        return self.filter(slice__in=Slice.objects.visible_to(user))

    def open(self) -> ChangesetQuerySet:
        return self.filter(state__in=self.model.OPEN_STATES)
