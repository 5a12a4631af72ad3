from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from slices.models import Slice

if TYPE_CHECKING:
    from accounts.models import User
    from conflicts.models import Conflict, ConflictEvent  # noqa: F401 (named in quotes)


class ConflictEventQuerySet(models.QuerySet["ConflictEvent"]):
    def told_to(self, user: User | AnonymousUser) -> ConflictEventQuerySet:
        """What workers did, and what people said and decided where the user may see both sides."""
        told = apps.get_model("conflicts", "Conflict")._default_manager.told_to(user)
        return self.filter(Q(actor=None) | Q(conflict__in=told))


class ConflictQuerySet(models.QuerySet["Conflict"]):
    def visible_to(self, user: User | AnonymousUser) -> ConflictQuerySet:
        """Conflicts of which the user may see a side. What is told of the other side is up to conflicts/bodies.py."""
        slices = Slice.objects.visible_to(user)
        return self.filter(Q(changeset__slice__in=slices) | Q(their_changeset__slice__in=slices))

    def told_to(self, user: User | AnonymousUser) -> ConflictQuerySet:
        """Conflicts of which the user may see both sides."""
        slices = Slice.objects.visible_to(user)
        theirs = Q(their_changeset=None) | Q(their_changeset__slice__in=slices)
        return self.filter(theirs, changeset__slice__in=slices)

    def open(self) -> ConflictQuerySet:
        return self.filter(state="open")

    def of_changeset(self, changeset_id: int) -> ConflictQuerySet:
        """Those that the changeset is a side of."""
        return self.filter(Q(changeset=changeset_id) | Q(their_changeset=changeset_id))

    def of_slice(self, organization: str, name: str, user: User | AnonymousUser) -> ConflictQuerySet:
        """Those of which a side is a changeset of the slice, if the user may see it."""
        slices = Slice.objects.visible_to(user).filter(organization__slug=organization, name=name)
        return self.filter(Q(changeset__slice__in=slices) | Q(their_changeset__slice__in=slices))

    def at(self, path: str, user: User | AnonymousUser, lookup: str = "exact") -> ConflictQuerySet:
        """Those at the path on a side that the user may see: a file against a folder has another path on each side."""
        slices = Slice.objects.visible_to(user)
        ours = Q(**{f"path__{lookup}": path}) & (Q(changeset__slice__in=slices) | ~Q(kind="file_folder"))
        theirs = Q(**{f"their_path__{lookup}": path}, kind="file_folder", their_changeset__slice__in=slices)
        return self.filter(ours | theirs)

    def concerning(self, user_id: int) -> ConflictQuerySet:
        """Those of the user's changesets, or that the user takes care of."""
        mine = Q(changeset__author=user_id) | Q(their_changeset__author=user_id)
        return self.filter(mine | Q(assignee=user_id))

    def with_landed(self) -> ConflictQuerySet:
        """Those with what has landed: unless clean they keep a changeset from landing."""
        return self.filter(their_changeset=None)

    def blocking(self) -> ConflictQuerySet:
        return self.open().with_landed().exclude(severity="low")
