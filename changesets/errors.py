from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitslice.common.errors import DomainError

if TYPE_CHECKING:
    from changesets.models import Changeset


class ChangesetNotFound(DomainError):
    code = "changeset_not_found"


class ChangesetClosed(DomainError):
    code = "changeset_closed"


class AlreadyMerged(ChangesetClosed):
    code = "already_merged"


def closed(changeset: Changeset) -> ChangesetClosed:
    """Why nothing can be done to a changeset that is closed."""
    error = AlreadyMerged if changeset.state == "merged" else ChangesetClosed
    return error(f"{changeset} is {changeset.state}")


class InvalidEdit(DomainError):
    code = "invalid_request"


class OutsideSlice(DomainError):
    code = "outside_slice"
    hint = "extend the slice's patterns, or change these paths through a slice that covers them"

    def __init__(self, slice_name: str, paths: list[str]) -> None:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        super().__init__(f"{paths[0]}{more} is outside {slice_name}", slice=slice_name, paths=paths[:100])


class PartlyOutside(DomainError):
    code = "outside_slice"
    hint = "do it through a slice that covers all of it, or through root"


class NothingToRevert(DomainError):
    code = "nothing_to_do"


class UnknownBlob(DomainError):
    code = "unknown_blob"
    hint = "upload the content first"

    def __init__(self, paths: list[str]) -> None:
        super().__init__(f"the content of {paths[0]} was never uploaded by you", paths=paths[:100])


class UnknownBase(DomainError):
    code = "unknown_base"
    hint = "run 'gs pull', or name a commit of this slice's history"


class PatchsetTooLarge(DomainError):
    code = "patchset_too_large"
    hint = "split the change into several changesets"


class StalePatchset(DomainError):
    code = "stale_patchset"
    hint = "look at the newest patchset and try again"


class OutdatedBase(DomainError):
    code = "outdated_base"
    hint = "run 'gs changeset rebase'"


class NeedsApproval(DomainError):
    """With `given` and `required`, or the `slices` whose owners have to approve."""

    code = "needs_approval"


class NeedsChecks(DomainError):
    code = "needs_checks"
    hint = "wait for the checks of the current patchset, or mend what they found"

    def __init__(self, missing: list[str]) -> None:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        super().__init__(f"the check {missing[0]}{more} has not succeeded", checks=missing)


class SuggestionOutdated(DomainError):
    code = "suggestion_outdated"
    hint = "look at the newest patchset: the lines are not those that the suggestion was made for"


class CommentNotFound(DomainError):
    code = "not_found"


class MergeConflict(DomainError):
    """Paths that collide with what has landed. `conflicts` is the list of conflict bodies."""

    code = "merge_conflict"
    hint = "run 'gs conflict list', then 'gs conflict resolve'"

    def __init__(self, message: str, conflicts: list[dict[str, Any]]) -> None:
        super().__init__(message, conflicts=conflicts)
        self.conflicts = conflicts


class Unresolvable(DomainError):
    code = "unresolvable"
