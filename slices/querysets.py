from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.models import Membership
from accounts.people.belonging import held_by
from accounts.token_limits import limit_of

if TYPE_CHECKING:
    from accounts.models import User
    from slices.models import Slice  # noqa: F401  (in the quoted type below)

ADMINISTERING = (Membership.Role.OWNER, Membership.Role.ADMIN)


class SliceQuerySet(models.QuerySet["Slice"]):
    def visible_to(self, user: User | AnonymousUser) -> SliceQuerySet:
        """Slices that the user may read: public ones; unless private, those of an organization one belongs to;
        those one has a role in, alone or through a team; all of an organization that one administers. By a token that
        is limited to slices only these."""
        if not user.is_authenticated:
            return self.filter(visibility="public")
        limit = limit_of(user)
        rows = self if limit is None else self.filter(pk__in=limit)
        if user.is_superuser:
            return rows
        membership = Membership.objects.filter(user=user, organization=OuterRef("organization"))
        roles = apps.get_model("slices", "SliceRole")._default_manager.filter(
            Q(user=user) | held_by(user), slice=OuterRef("pk")
        )
        return rows.filter(
            Q(visibility="public")
            | Q(Exists(membership), visibility="organization")
            | Q(Exists(membership.filter(role__in=ADMINISTERING)))
            | Q(Exists(roles))
        )
