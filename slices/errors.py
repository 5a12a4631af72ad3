from __future__ import annotations

from gitslice.common.errors import DomainError


class SliceNotFound(DomainError):
    code = "slice_not_found"
    hint = "run 'gs slice list'; you may also lack access"

    def __init__(self, organization: str, name: str) -> None:
        super().__init__(f"there is no slice {organization}/{name}", slice=f"{organization}/{name}")


class SliceForbidden(DomainError):
    code = "slice_forbidden"
    hint = "ask an owner of the slice for the role"


class GlobalForbidden(DomainError):
    code = "permission_denied"
    hint = "owners and admins of the organization may, and who may write to its root slice"


class SliceLocked(DomainError):
    code = "slice_locked"
    hint = "a maintainer of the slice can unlock it"


class InvalidPattern(DomainError):
    code = "invalid_pattern"

    def __init__(self, pattern: str, reason: str) -> None:
        shown = pattern[:200].encode(errors="replace").decode()
        super().__init__(f"pattern {shown!r}: {reason}", pattern=shown, reason=reason)


class FolderOutsideSlice(DomainError):
    code = "outside_slice"


class CommitNotFound(DomainError):
    code = "commit_not_found"
    hint = "run 'gs log' for the commits of the slice"


class AmbiguousCommit(DomainError):
    code = "invalid_request"
    hint = "give more digits"


class PathNotFound(DomainError):
    code = "path_not_found"


class NotText(DomainError):
    code = "not_text"


class FileTooLarge(DomainError):
    code = "file_too_large"
