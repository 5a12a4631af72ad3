"""Questions about slices, and the bodies that API and pages show."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import User
from accounts.people.belonging import held_by
from slices.access import Access
from slices.global_state.reading import slice_standing
from slices.history import head_of
from slices.models import Commit, Definition, Slice, SliceRole
from slices.patterns import definition_of
from slices.roles import name_of, owner_names, roles_of
from slices.sizes import sizes

HEALTHY, CONFLICTS = "healthy", "conflicts"
BLOCKING = ("medium", "high", "critical")
LOADED = ("organization", "definition", "head")


def find_slices(
    user: User | AnonymousUser, *, organization: str | None = None, search: str = "", mine: bool = False
) -> QuerySet[Slice]:
    """Slices that the user may see, by organization and name. `mine`: where the user or a team of the user has a role."""
    slices = Slice.objects.visible_to(user).select_related(*LOADED).order_by("organization__slug", "name")
    if organization:
        slices = slices.filter(organization__slug=organization)
    if search:
        slices = slices.filter(Q(name__icontains=search) | Q(description__icontains=search))
    if mine:
        held = Q(user=user.pk) | held_by(user.pk)
        slices = slices.filter(Exists(SliceRole.objects.filter(held, slice=OuterRef("pk"))))
    return slices


def slice_rows(slices: Sequence[Slice]) -> list[dict[str, Any]]:
    """Rows of a list; wants LOADED. Three questions, whatever the number of slices, and one more for every root."""
    heads = {slice: _head(slice) for slice in slices}
    counted = sizes({slice: head.moment if head else None for slice, head in heads.items()})
    pending = pending_changesets([slice.pk for slice in slices])
    return [
        {
            "slice": str(slice),
            "description": slice.description,
            "visibility": slice.visibility,
            "head": _hex(head),
            "file_count": counted[slice.pk].files,
            "bytes": counted[slice.pk].bytes,
            "pending_changesets": pending.get(slice.pk, 0),
            "locked": slice.locked,
            "definition": _definition_name(definition_of(slice)),
        }
        for slice, head in heads.items()
    ]


def slice_detail(slice: Slice, user: User | AnonymousUser) -> dict[str, Any]:
    """Everything about one slice, as `user` sees it."""
    [row] = slice_rows([slice])
    definition = definition_of(slice)
    return row | {
        "includes": definition.includes,
        "excludes": definition.excludes,
        "policy": {
            "conflicts": slice.conflict_policy,
            "auto_merge": slice.auto_merge,
            "required_approvals": slice.required_approvals,
            "overlap_approvals": slice.overlap_approvals,
            "required_checks": slice.required_checks,
        },
        "owners": owner_names(slice),
        "my_role": Access(slice, user).role,
        "created_at": slice.created_at.isoformat(),
    }


def slice_status(slice: Slice) -> dict[str, Any]:
    """How the slice is doing."""
    head = _head(slice)
    size = sizes({slice: head.moment if head else None})[slice.pk]
    conflicts = open_conflicts(slice)
    return {
        "slice": str(slice),
        "head": _hex(head),
        "head_time": head.landed_at.isoformat() if head else None,
        "health": CONFLICTS if conflicts else HEALTHY,
        "pending_changesets": pending_changesets([slice.pk]).get(slice.pk, 0),
        "open_conflicts": conflicts,
        "locked": slice.locked,
        "file_count": size.files,
        "bytes": size.bytes,
    } | slice_standing(slice)


def owners_body(slice: Slice) -> list[dict[str, Any]]:
    return [
        {
            "kind": "user" if role.user else "team",
            "name": name_of(role).removeprefix("team:"),
            "role": role.role,
        }
        for role in roles_of(slice)
    ]


def definition_body(definition: Definition) -> dict[str, Any]:
    """Wants `author` loaded."""
    return {
        "version": definition.version,
        "digest": bytes(definition.digest).hex(),
        "parent": bytes(definition.parent_digest).hex() if definition.parent_digest else None,
        "includes": definition.includes,
        "excludes": definition.excludes,
        "author": definition.author.username if definition.author else None,
        "created_at": definition.created_at.isoformat(),
    }


def pending_changesets(slice_ids: Collection[int]) -> dict[int, int]:
    """Slice id -> number of its open changesets; slices without one are absent."""
    opened = _changesets().objects.open().filter(slice__in=slice_ids)
    return dict(opened.values_list("slice").annotate(Count("pk")).order_by())


def open_conflicts(slice: Slice) -> int:
    """Conflicts that keep changesets of the slice from landing, and all with other open changesets: who may not see the
    other side would learn the severity from a number that leaves some out."""
    conflicts = _changesets()._meta.get_field("conflicts").related_model.objects.open()
    told = Q(their_changeset__isnull=False) | Q(severity__in=BLOCKING)
    sides = Q(changeset__slice=slice) & told | Q(their_changeset__slice=slice)
    return conflicts.filter(sides, organization=slice.organization_id).count()


def _changesets() -> Any:
    """The model of changesets, which are of a later app, by way of their relation to slices."""
    return Slice._meta.get_field("changesets").related_model


def _definition_name(definition: Definition) -> dict[str, Any]:
    return {"version": definition.version, "digest": bytes(definition.digest).hex()}


def _head(slice: Slice) -> Commit | None:
    return head_of(slice) if slice.is_root else slice.head


def _hex(commit: Commit | None) -> str | None:
    return bytes(commit.digest).hex() if commit else None
