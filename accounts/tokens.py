"""API tokens: 256 random bits, shown once; the database holds their SHA-256."""

from __future__ import annotations

import hashlib
import secrets

PREFIX = "gst_"
HINT_LENGTH = 8


def new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(secret: str) -> bytes:
    """SHA-256 suffices: the secret has full entropy, so nothing can be guessed from it."""
    return hashlib.sha256(secret.encode()).digest()


def hint_of(secret: str) -> str:
    return secret[:HINT_LENGTH]
