from __future__ import annotations

from gitslice.common.errors import DomainError


class GlobalMergeRunning(DomainError):
    code = "merge_running"
    hint = "try again when it has ended: gs global status"


class GlobalBlocked(DomainError):
    """Rows are damaged: nothing may be built on them before that is mended. `path` and `commit` name what is."""

    code = "global_blocked"
    hint = "an administrator has to run 'manage.py fsck'"

    def __init__(self, problem: str, *, path: str | None = None, commit: str | None = None) -> None:
        super().__init__(problem, path=path, commit=commit)


class BrokenChain(GlobalBlocked):
    """The versions of a path, or of a commit, are not whole."""


class BrokenTree(GlobalBlocked):
    """Nodes of the tree are missing or damaged; they are made of the commits again."""

    hint = "an administrator has to run 'manage.py rebuild_trees'"


class InvalidTagName(DomainError):
    code = "invalid_request"
    hint = "use letters, digits and . _ + -, as in v1.2; not what could name something else"
