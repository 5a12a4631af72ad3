from __future__ import annotations

from gitslice.common.errors import DomainError


class GlobalMergeRunning(DomainError):
    code = "merge_running"
    hint = "try again when it has ended: gs global status"


class BrokenChain(DomainError):
    """The versions of a path, or of a commit, are not whole: nothing may be built on them before that is mended."""

    code = "global_blocked"
    hint = "an administrator has to run 'manage.py fsck'"

    def __init__(self, problem: str, *, path: str | None = None, seq: int | None = None) -> None:
        super().__init__(problem, path=path, seq=seq)


class InvalidTagName(DomainError):
    code = "invalid_request"
    hint = "use letters, digits and . _ + -, as in v1.2; not what could be the id of a commit"
