from __future__ import annotations

from django.contrib.auth.models import AnonymousUser

from accounts.api.access import signed_in
from accounts.models import User
from changesets.errors import ChangesetNotFound
from changesets.models import Changeset


def visible_changeset(user: User | AnonymousUser, org: str, number: int) -> Changeset:
    """The changeset if the user may read its slice; else ChangesetNotFound, or Unauthenticated for strangers."""
    related = (
        "organization",
        "slice__organization",
        "slice__definition",
        "author",
        "patchset__base",
        "commit",
    )
    changeset = (
        Changeset.objects.visible_to(user)
        .filter(organization__slug=org, number=number)
        .select_related(*related)
        .first()
    )
    if changeset is None:
        signed_in(user)
        raise ChangesetNotFound(f"there is no changeset cl-{number} in {org}")
    return changeset
