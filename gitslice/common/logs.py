"""Logs without secrets: whatever a line says, and whatever a traceback under it quotes.

Done as the last step of formatting, where a filter of records would miss tracebacks.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

HIDDEN = "[hidden]"
SECRETS = (
    (re.compile(r"\b(gst_|gsc_|whsec_)[\w+/=-]+"), rf"\1{HIDDEN}"),
    (  # addresses that were mailed
        re.compile(r"(/invitations/|/account/password/reset/\w+-|/account/email/)[\w:-]{20,}"),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s'\"]+"), rf"\1 {HIDDEN}"),
    (re.compile(r"(://[^\s:/@]*:)[^\s/@]+@"), rf"\1{HIDDEN}@"),  # passwords in URLs
    (
        re.compile(
            r"(?i)((?:password|passwd|secret|token|sessionid|csrf\w*|api_?key)['\"]?\s*[=:]\s*['\"]?)[^\s'\"&,;}]+"
        ),
        rf"\1{HIDDEN}",
    ),
)


def without_secrets(text: str) -> str:
    for pattern, shown in SECRETS:
        text = pattern.sub(shown, text)
    return text


class Redacting(logging.Formatter):
    """What another formatter makes of a record, without secrets."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(self._inner.format(record))


def line_formatter(format: str) -> Redacting:
    return Redacting(logging.Formatter(format, style="{"))


def redact(handlers: Iterable[logging.Handler]) -> None:
    """Let handlers that others set up leave out secrets too."""
    for handler in handlers:
        if not isinstance(handler.formatter, Redacting):
            handler.setFormatter(Redacting(handler.formatter or logging.Formatter()))
