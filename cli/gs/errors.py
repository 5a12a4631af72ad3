"""The one exception of `gs`: a code of the shared table, a message, a hint."""

from __future__ import annotations


class GsError(Exception):
    """Anything that ends a command with `error: ...`.

    `code` is a key of `gitslice_core.errors.CODES` (an unknown one, from a newer server, counts as `failed`).
    `message` is one sentence, `hint` says what to do about it, `details` is JSON-able data for programs.
    """

    def __init__(self, code: str, message: str, hint: str | None = None, details: dict | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.details = details or {}

    @property
    def exit_code(self) -> int:
        from gitslice_core.errors import CODES

        return CODES[self.code].exit_code if self.code in CODES else 1

    def document(self) -> dict:
        """The `--json` form: `{"error": {"code", "message", "hint", "details"}}`."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "hint": self.hint,
                "details": self.details,
            }
        }
