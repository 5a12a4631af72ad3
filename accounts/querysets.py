from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.db import models

if TYPE_CHECKING:
    from accounts.models import (
        Organization,  # noqa: F401 (named in quotes)
        User,
    )


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def visible_to(self, user: User | AnonymousUser) -> OrganizationQuerySet:
        """Organizations that the user belongs to, and those that show a public slice."""
        public = models.Q(slices__visibility="public")
        if not user.is_authenticated:
            return self.filter(public).distinct()
        if user.is_superuser:
            return self
        return self.filter(models.Q(memberships__user=user) | public).distinct()
