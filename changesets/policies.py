"""What the policies of a slice ask of a patchset before it lands, and what of that is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from changesets.approvals import approvals_given, covering_ids, owners_approving
from changesets.errors import NeedsApproval, NeedsChecks
from changesets.models import Changeset, Check, Patchset
from slices.models import Slice


@dataclass(frozen=True)
class Standing:
    """Approvals by writers of the slice; for every overlapping slice whose owners must approve, whether one does; for
    every required check, its state (None: not reported)."""

    given: int
    required: int
    owners: Mapping[int, bool]
    checks: Mapping[str, str | None]

    @property
    def approved(self) -> bool:
        return self.given >= self.required and all(self.owners.values())

    @property
    def checked(self) -> bool:
        return all(state == Check.State.SUCCESS for state in self.checks.values())


def standing_of(
    changeset: Changeset, slice: Slice, patchset: Patchset, covering: Iterable[int] | None = None
) -> Standing:
    """Under the locks of landing, `slice` is the locked row, and `covering` the slices that were locked with it."""
    owners: dict[int, bool] = {}
    if slice.overlap_approvals == Slice.OverlapApprovals.OWNERS:
        known = covering_ids(patchset, changeset.organization_id) if covering is None else covering
        owners = owners_approving(changeset, patchset, known)
    checks: dict[str, str | None] = dict.fromkeys(slice.required_checks)
    if checks:
        rows = Check.objects.filter(patchset=patchset, name__in=checks)
        checks.update(rows.values_list("name", "state"))
    given = approvals_given(changeset, patchset) if slice.required_approvals else 0
    return Standing(given, slice.required_approvals, owners, checks)


def require_policies(standing: Standing, reader: User) -> None:
    """Raises NeedsApproval, NeedsChecks; slices that the reader may not see are not named, nor counted."""
    if standing.given < standing.required:
        raise NeedsApproval(
            f"{standing.given} of {standing.required} approvals are given",
            given=standing.given,
            required=standing.required,
        )
    if not standing.approved:
        named, unseen = missing_owners(standing, reader)
        who = [f"owners of {name}" for name in named]
        who += ["owners of another slice that you may not see"] if unseen else []
        raise NeedsApproval(f"{', '.join(who)} must approve", slices=named)
    if not standing.checked:
        missing = [name for name, state in standing.checks.items() if state != Check.State.SUCCESS]
        raise NeedsChecks(missing)


def missing_owners(standing: Standing, reader: User | AnonymousUser) -> tuple[list[str], bool]:
    """Names of the slices whose owners have yet to approve, and whether there are others that the reader may not see."""
    wanted = [pk for pk, met in standing.owners.items() if not met]
    names = seen_names(wanted, reader)
    return sorted(names.values()), len(names) < len(wanted)


def seen_names(slice_ids: Iterable[int], reader: User | AnonymousUser) -> dict[int, str]:
    """Those of the slices that the reader may see."""
    ids = list(slice_ids)
    rows = Slice.objects.visible_to(reader).filter(pk__in=ids).select_related("organization") if ids else []
    return {slice.pk: str(slice) for slice in rows}
