"""Texts without secrets: what a line of the log says, and what a traceback in it quotes."""

from __future__ import annotations

import re

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
