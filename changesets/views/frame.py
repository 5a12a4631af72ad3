"""What the pages of one changeset have in common."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from changesets.attention import turns
from changesets.models import Changeset
from changesets.reading import BLOCKING
from slices.access import Access


def framed(request: HttpRequest, changeset: Changeset, tab: str, **context: Any) -> dict[str, Any]:
    """The context of a page of the changeset: head, tabs, what the reader may do."""
    attention = turns(changeset)
    return {
        "changeset": changeset,
        "attention": attention,
        "my_turn": next((turn for turn in attention if turn.user_id == request.user.pk), None),
        "slice": changeset.slice,
        "org": changeset.organization.slug,
        "tab": tab,
        "access": Access(changeset.slice, request.user),
        "is_author": changeset.author_id == request.user.pk,
        "conflicts": list(changeset.conflicts.filter(BLOCKING).order_by("path")[:100]),
    } | context
