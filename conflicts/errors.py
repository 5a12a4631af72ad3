from gitslice.common.errors import DomainError


class ConflictNotFound(DomainError):
    code = "conflict_not_found"
