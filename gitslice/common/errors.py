"""Domain errors are nouns with data: a stable code, a message, a hint and details. No HTTP here."""

from __future__ import annotations

from typing import Any, ClassVar

from gitslice_core.errors import CODES


class DomainError(Exception):
    """Something that a caller can cause. `code` is a key of `gitslice_core.errors.CODES`.

    `hint` says what to do next; `details` is JSON-able and part of the API's contract.
    """

    code: ClassVar[str] = "internal"
    hint: str | None = None

    def __init__(self, message: str | None = None, *, hint: str | None = None, **details: Any) -> None:
        super().__init__(message or CODES[self.code].title)
        self.hint = hint or type(self).hint
        self.details = details

    @property
    def status(self) -> int:
        return CODES[self.code].status


class Internal(DomainError):
    """What nobody foresaw: the log says more than the caller is told."""

    code = "internal"
    hint = "the failure has been logged; whatever was confirmed before is safe: try again in a moment"


class InvalidRequest(DomainError):
    code = "invalid_request"


class InvalidPath(DomainError):
    code = "invalid_path"


class NotFound(DomainError):
    code = "not_found"


class Unauthenticated(DomainError):
    code = "unauthenticated"
    hint = "run 'gs auth login' or send 'Authorization: Bearer TOKEN'"


class PermissionDenied(DomainError):
    code = "permission_denied"


class NameTaken(DomainError):
    code = "name_taken"


class PayloadTooLarge(DomainError):
    code = "payload_too_large"


class ServerBusy(DomainError):
    code = "server_busy"
    hint = "try again in a moment"


class IdempotencyMismatch(DomainError):
    code = "idempotency_mismatch"
    hint = "use a new key for a new request"
