"""Mutations of slices, one function each: authorise, lock, check, write, audit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import Organization, User
from accounts.quotas.services import SLICES, take
from accounts.services import role_in
from accounts.token_limits import require_unlimited
from gitslice.common.audit import record
from gitslice.common.errors import InvalidRequest, NameTaken, PermissionDenied
from slices.access import Access, administers
from slices.definitions import append_definition, rebuild_coverage
from slices.errors import SliceForbidden
from slices.folders import folder_patterns
from slices.locks import lock_slices, own_epoch
from slices.models import ROOT, Slice, validate_slug
from slices.patterns import Patterns, patterns_of, validated
from slices.reach import WIDTH, check_reach
from slices.roles import Owners, find_owners, set_owners
from slices.signals import definition_changed

MAX_DESCRIPTION = 10_000
MAX_APPROVALS = 100
MAX_REQUIRED_CHECKS = 20
CHECK_NAME = re.compile(r"[\w.:/ -]{1,100}")


@dataclass(frozen=True)
class SliceEdit:
    """What to change of a slice; None leaves it. `add` and `remove` change the includes that `includes` (or the
    current definition) gives."""

    includes: Sequence[str] | None = None
    excludes: Sequence[str] | None = None
    add: Sequence[str] | None = None
    remove: Sequence[str] | None = None
    description: str | None = None
    visibility: str | None = None
    auto_merge: str | None = None
    conflicts: str | None = None
    required_approvals: int | None = None
    overlap_approvals: str | None = None
    required_checks: Sequence[str] | None = None
    locked: bool | None = None
    owners: Sequence[str] | None = None

    @property
    def redefines(self) -> bool:
        return any(value is not None for value in (self.includes, self.excludes, self.add, self.remove))


@transaction.atomic
def create_root_slice(*, organization: Organization, owner: User) -> Slice:
    """The slice of all paths. It is private: owners and admins maintain it, others see what their slices show."""
    root = Slice.objects.create(
        organization=organization,
        name=ROOT,
        description="The whole tree",
        visibility=Slice.Visibility.PRIVATE,
        created_by=owner,
    )
    append_definition(root, Patterns(("**",)), owner)
    record(organization=organization, actor=owner, action="slice.create", object=str(root))
    return root


@transaction.atomic
def create_slice(
    *,
    actor: User,
    organization: Organization,
    name: str,
    includes: Sequence[str],
    excludes: Sequence[str] = (),
    description: str = "",
    visibility: str = Slice.Visibility.ORGANIZATION,
    owners: Sequence[str] = (),
) -> Slice:
    """A new slice whose log holds every commit that touched a path it covers; paths need not exist yet.

    The actor owns it too, unless one of `owners` or an admin. Members of the organization may.
    Raises PermissionDenied, BeyondSight, InvalidRequest, InvalidPattern, NameTaken, QuotaExceeded.
    """
    require_unlimited(actor)
    if role_in(actor, organization) is None:
        raise PermissionDenied(f"only members of {organization} may make slices")
    _check_name(name)
    _check_choice("visibility", visibility, Slice.Visibility.values)
    _check_description(description)
    patterns = validated(includes, excludes)
    own_epoch(organization.pk)
    check_reach(actor, organization.pk, patterns, visibility)
    take(organization, SLICES)
    slice = _insert(
        Slice(
            organization=organization,
            name=name,
            description=description,
            visibility=visibility,
            created_by=actor,
        )
    )
    set_owners(slice, _with_actor(find_owners(organization, owners), actor, organization))
    append_definition(slice, patterns, actor)
    rebuild_coverage(slice, patterns)
    _audit(
        slice, actor, "slice.create", includes=list(includes), excludes=list(excludes), visibility=visibility
    )
    return slice


@transaction.atomic
def edit_slice(*, actor: User, slice: Slice, edit: SliceEdit) -> Slice:
    """Change a slice; new patterns make a new definition version, and no landing runs meanwhile.

    Raises SliceForbidden, BeyondSight, InvalidRequest, InvalidPattern.
    """
    Access(slice, actor).require_maintainer()
    if edit.redefines or edit.visibility is not None:
        own_epoch(slice.organization_id)
    current = lock_slices([slice.pk])[slice.pk]
    if edit.redefines:
        _redefine(current, actor, edit)
        transaction.on_commit(partial(definition_changed.send, Slice, slice_id=current.pk))
    if edit.visibility is not None:
        _set_visibility(current, actor, edit.visibility)
    _set_facts(current, edit)
    _set_review_policies(current, actor, edit)
    if edit.owners is not None:
        _set_owners(current, edit.owners)
    current.save()
    changed = {field.name: _audited(getattr(edit, field.name)) for field in fields(edit)}
    _audit(
        current, actor, "slice.edit", **{name: value for name, value in changed.items() if value is not None}
    )
    return current


def fork_slice(*, actor: User, source: Slice, name: str, folder: str, description: str = "") -> Slice:
    """A new slice of a folder of `source`, as visible as that, with the excludes that concern the folder.

    Raises what `create_slice` raises, FolderOutsideSlice, PathNotFound for a folder without files.
    """
    patterns = folder_patterns(source, folder)
    return create_slice(
        actor=actor,
        organization=source.organization,
        name=name,
        includes=patterns.includes,
        excludes=patterns.excludes,
        description=description or f"{folder} of {source}",
        visibility=source.visibility,
    )


def _redefine(slice: Slice, actor: User, edit: SliceEdit) -> None:
    if slice.is_root:
        raise SliceForbidden("the root slice covers every path, always")
    before = patterns_of(slice)
    patterns = validated(
        _edited_includes(before, edit), before.excludes if edit.excludes is None else edit.excludes
    )
    if patterns == before:
        return
    check_reach(actor, slice.organization_id, patterns, slice.visibility)
    append_definition(slice, patterns, actor)
    rebuild_coverage(slice, patterns)


def _edited_includes(before: Patterns, edit: SliceEdit) -> list[str]:
    includes = list(before.includes if edit.includes is None else edit.includes) + list(edit.add or ())
    removed = set(edit.remove or ())
    unknown = removed - set(includes)
    if unknown:
        raise InvalidRequest(
            f"{sorted(unknown)[0]!r} is not one of the slice's patterns", patterns=sorted(unknown)
        )
    return [pattern for pattern in includes if pattern not in removed]


def _set_visibility(slice: Slice, actor: User, visibility: str) -> None:
    """Wider only where the author might have created the slice so; `slice` itself still counts as it was."""
    _check_choice("visibility", visibility, Slice.Visibility.values)
    if WIDTH[Slice.Visibility(visibility)] > WIDTH[Slice.Visibility(slice.visibility)]:
        check_reach(actor, slice.organization_id, patterns_of(slice), visibility)
    slice.visibility = visibility


def _set_facts(slice: Slice, edit: SliceEdit) -> None:
    if edit.description is not None:
        _check_description(edit.description)
        slice.description = edit.description
    if edit.auto_merge is not None:
        _check_choice("auto_merge", edit.auto_merge, Slice.AutoMerge.values)
        slice.auto_merge = edit.auto_merge
    if edit.conflicts is not None:
        _check_choice("conflicts", edit.conflicts, Slice.ConflictPolicy.values)
        slice.conflict_policy = edit.conflicts
    if edit.locked is not None:
        slice.locked = edit.locked


def _set_review_policies(slice: Slice, actor: User, edit: SliceEdit) -> None:
    if edit.required_approvals is not None:
        if not 0 <= edit.required_approvals <= MAX_APPROVALS:
            raise InvalidRequest(f"required_approvals is a number from 0 to {MAX_APPROVALS}")
        slice.required_approvals = edit.required_approvals
    if edit.overlap_approvals not in (None, slice.overlap_approvals):
        _check_choice("overlap_approvals", edit.overlap_approvals, Slice.OverlapApprovals.values)
        if not administers(actor, slice.organization_id):
            raise PermissionDenied(
                f"only owners and admins of {slice.organization} decide about approvals of overlapping slices",
                hint="they tell that slices exist which not everybody may see",
            )
        slice.overlap_approvals = edit.overlap_approvals
    if edit.required_checks is not None:
        slice.required_checks = checked_names(edit.required_checks)


def checked_names(names: Sequence[str]) -> list[str]:
    """Names of checks, each once, in order. Raises InvalidRequest."""
    for name in names:
        require_check_name(name)
    if len(names) > MAX_REQUIRED_CHECKS:
        raise InvalidRequest(f"at most {MAX_REQUIRED_CHECKS} checks can be required")
    return list(dict.fromkeys(names))


def require_check_name(name: str) -> None:
    """Raises InvalidRequest for what is no name of a check."""
    if not CHECK_NAME.fullmatch(name) or name != name.strip():
        raise InvalidRequest("a check's name has 1 to 100 letters, digits, spaces, '.', '_', ':', '/' or '-'")


def _set_owners(slice: Slice, names: Sequence[str]) -> None:
    if not names:
        raise InvalidRequest("a slice needs an owner")
    set_owners(slice, find_owners(slice.organization, names))


def _insert(slice: Slice) -> Slice:
    try:
        with transaction.atomic():
            slice.save(force_insert=True)
    except IntegrityError:
        raise NameTaken(f"there is a slice {slice} already", slice=str(slice)) from None
    return slice


def _with_actor(owners: Owners, actor: User, organization: Organization) -> Owners:
    """Nobody makes a slice that one cannot maintain."""
    named = owners.users or owners.teams
    if owners.hold(actor) or (named and administers(actor, organization.pk)):
        return owners
    return Owners((*owners.users, actor), owners.teams)


def _check_name(name: str) -> None:
    try:
        validate_slug(name)
    except ValidationError as error:
        raise InvalidRequest(f"slice {name!r}: {error.messages[0]}") from None


def _check_choice(field: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise InvalidRequest(f"{field} is one of {', '.join(allowed)}, not {value!r}")


def _check_description(description: str) -> None:
    if len(description) > MAX_DESCRIPTION:
        raise InvalidRequest(f"a description has at most {MAX_DESCRIPTION} characters")


def _audited(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _audit(slice: Slice, actor: User, action: str, **detail: Any) -> None:
    record(organization=slice.organization, actor=actor, action=action, object=str(slice), detail=detail)
