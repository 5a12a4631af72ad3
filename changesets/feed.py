"""What watchers hear of changesets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from accounts.events import announce
from accounts.models import User
from changesets.models import Changeset


def tell_watchers(
    changeset: Changeset,
    actor: User,
    kind: str,
    *,
    covering: Sequence[int] = (),
    users: Collection[int] = (),
    **facts: Any,
) -> None:
    """Announce what `actor` did to the changeset, in the caller's transaction. `covering` are further slices that it
    happened in, `users` whom it concerns besides the author."""
    announce(
        organization_id=changeset.organization_id,
        kind=kind,
        slices=[changeset.slice_id, *(pk for pk in covering if pk != changeset.slice_id)],
        users=sorted({changeset.author_id, *users}),
        changeset_id=changeset.pk,
        body={
            "changeset": str(changeset),
            "title": changeset.title,
            "state": str(changeset.state),
            "slice": str(changeset.slice),
            "actor": actor.username,
            "actor_id": actor.pk,
        }
        | facts,
    )
