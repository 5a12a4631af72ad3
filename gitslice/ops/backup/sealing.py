"""Sealed files: AES-256-GCM in chunks, so that nobody holds a file in memory, in the STREAM construction (Hoang,
Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015) as age uses
it. Every byte of the format is in docs/backup.md.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gitslice.ops.backup.errors import BackupError, Damaged

MAGIC = b"GSSEAL\x00\x01"
CHUNK = 64 << 10  # bytes of content in every chunk but the last
TAG = 16
SALT = 32
KEY_ID = 8
HEADER = len(MAGIC) + KEY_ID + SALT
PURPOSE = b"gitslice backup 1 "


class Key:
    """The administrator's key. From its 32 bytes come a name for it, a key for each file, and one for manifests."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.id = self._derived(b"key id", KEY_ID).hex()

    def cipher(self, salt: bytes, name: str) -> AESGCM:
        """For the one file of this name that has this salt."""
        return AESGCM(self._derived(b"file " + name.encode(), 32, salt))

    def proof(self, content: bytes) -> str:
        return hmac.digest(self._derived(b"manifest", 32), content, "sha256").hex()

    def _derived(self, purpose: bytes, length: int, salt: bytes | None = None) -> bytes:
        return HKDF(algorithm=SHA256(), length=length, salt=salt, info=PURPOSE + purpose).derive(self._secret)


def read_key(path: Path) -> Key:
    """The key in a file of 64 hexadecimal digits. Raises BackupError."""
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except OSError as error:
        raise BackupError(f"the key file {path} cannot be read: {error.strerror}") from None
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise BackupError(f"{path} must hold 64 hexadecimal digits; make one with: openssl rand -hex 32")
    return Key(secret)


def sealed_size(size: int) -> int:
    """Bytes of the sealed file of so many bytes."""
    return HEADER + size + TAG * max(1, -(-size // CHUNK))


def seal(key: Key, name: str, content: Iterable[bytes]) -> Iterator[bytes]:
    """The sealed file of a content that is known by `name`."""
    salt = secrets.token_bytes(SALT)
    yield MAGIC + bytes.fromhex(key.id) + salt
    cipher = key.cipher(salt, name)
    for number, (chunk, last) in enumerate(_chunks(content, CHUNK)):
        yield cipher.encrypt(_nonce(number, last), chunk, None)


def unseal(key: Key, name: str, stored: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a sealed file. Raises Damaged as soon as something does not fit; what came before did fit."""
    pieces = iter(stored)
    head = b""
    while len(head) < HEADER and (piece := next(pieces, b"")):
        head += piece
    cipher = key.cipher(_salt(key, name, head[:HEADER]), name)
    for number, (chunk, last) in enumerate(_chunks(_joined(head[HEADER:], pieces), CHUNK + TAG)):
        try:
            yield cipher.decrypt(_nonce(number, last), chunk, None)
        except InvalidTag:
            raise Damaged(f"{name}: chunk {number} is not what was sealed") from None


def _salt(key: Key, name: str, header: bytes) -> bytes:
    if len(header) < HEADER or not header.startswith(MAGIC):
        raise Damaged(f"{name}: it is not a sealed file")
    if header[len(MAGIC) : len(MAGIC) + KEY_ID] != bytes.fromhex(key.id):
        raise Damaged(f"{name}: it is sealed with another key")
    return header[-SALT:]


def _nonce(number: int, last: bool) -> bytes:
    """Chunks cannot be left out, swapped or cut off: each is sealed for its place, the last one as the last."""
    return number.to_bytes(11, "big") + bytes([last])


def _joined(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def _chunks(pieces: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """The same bytes in chunks of `size`, and whether each is the last, which may be shorter, and empty if it is the
    only one."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) > size:
            yield bytes(buffer[:size]), False
            del buffer[:size]
    yield bytes(buffer), True
