"""The two codes of RFC 8628: one for the program (256 random bits), one that a person types."""

from __future__ import annotations

import hashlib
import secrets

from django.utils.crypto import salted_hmac

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628, 6.1: no vowels, so no words, and nothing that looks like a digit
LENGTH = 8  # 20 ** 8 codes, 34.5 bits
PURPOSE = "accounts.devices.user_code"


def new_device_code() -> str:
    return secrets.token_urlsafe(32)


def new_user_code() -> str:
    """Like WDJB-MJHT."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    return f"{letters[: LENGTH // 2]}-{letters[LENGTH // 2 :]}"


def device_digest(code: str) -> bytes:
    """SHA-256 suffices: the code has full entropy."""
    return hashlib.sha256(code.encode()).digest()


def user_digest(code: str) -> bytes:
    """Keyed, as all user codes can be tried out by who has only the database. However it was typed: case, blanks and
    dashes do not count."""
    return salted_hmac(PURPOSE, plain(code), algorithm="sha256").digest()


def plain(code: str) -> str:
    """The letters of a code as typed."""
    return "".join(letter for letter in code.upper() if letter in LETTERS)
