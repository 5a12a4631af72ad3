from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.db import models

from accounts.token_limits import limit_of

if TYPE_CHECKING:
    from accounts.models import (
        Organization,  # noqa: F401 (named in quotes)
        User,
    )


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def visible_to(self, user: User | AnonymousUser) -> OrganizationQuerySet:
        """Organizations that the user belongs to, and those that show a public slice; by a token that is limited to
        slices only those of these."""
        public = models.Q(slices__visibility="public")
        if not user.is_authenticated:
            return self.filter(public).distinct()
        limit = limit_of(user)
        rows = self if limit is None else self.filter(pk__in=self.filter(slices__in=limit))
        if user.is_superuser:
            return rows
        return rows.filter(models.Q(memberships__user=user) | public).distinct()
