"""Secrets that we must read again, such as those we sign with: the database holds them sealed.

SECRET_KEY seals; it and SECRET_KEY_FALLBACKS open. So a copy of the database alone gives nothing away, and a change of
the key, with the old one as a fallback, breaks nothing.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.encoding import force_bytes

from gitslice.common.errors import DomainError

PURPOSE = b"gitslice.common.secrets"  # no key derived for another purpose opens these


class Unreadable(DomainError):
    hint = "GITSLICE_SECRET_KEY has changed: make a new secret, or name the old key in GITSLICE_SECRET_KEY_FALLBACKS"


def seal(secret: str) -> str:
    return _keys().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises Unreadable for what was sealed under a key that we do not have."""
    try:
        return _keys().decrypt(sealed).decode()
    except InvalidToken:
        raise Unreadable("the secret is sealed under another key") from None


def resealed(sealed: str) -> str:
    """The same secret under SECRET_KEY; the same text if that is what seals it. Raises Unreadable."""
    try:
        _key(settings.SECRET_KEY).decrypt(sealed)
    except InvalidToken:
        return seal(unseal(sealed))
    return sealed


def _keys() -> MultiFernet:
    return MultiFernet([_key(text) for text in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(text: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(force_bytes(text))
    return Fernet(base64.urlsafe_b64encode(derived))
