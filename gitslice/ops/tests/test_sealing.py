"""Sealed files: what comes out is what went in, or an error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from gitslice.ops.backup.errors import BackupError, Damaged
from gitslice.ops.backup.sealing import CHUNK, HEADER, TAG, Key, read_key, seal, sealed_size, unseal

KEY = Key(bytes(range(32)))
SIZES = st.sampled_from([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7])


def sealed(content: bytes, name: str = "name") -> bytes:
    return b"".join(seal(KEY, name, [content]))


def unsealed(stored: bytes, name: str = "name", key: Key = KEY) -> bytes:
    return b"".join(unseal(key, name, [stored]))


def cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


@given(SIZES, st.sampled_from([1000, CHUNK, CHUNK + TAG, 300_000]))
def test_what_went_in_comes_out(size, piece):
    content = bytes(size)
    stored = b"".join(seal(KEY, "name", cut(content, piece)))
    assert len(stored) == sealed_size(size)
    assert b"".join(unseal(KEY, "name", cut(stored, piece))) == content


def test_the_format_is_as_documented():
    """Written anew from docs/backup.md, without our code."""
    stored = sealed(b"x" * (CHUNK + 5), "backups/1/database.dump")

    def derived(purpose: bytes, length: int, salt: bytes | None) -> bytes:
        return HKDF(SHA256(), length, salt, b"gitslice backup 1 " + purpose).derive(bytes(range(32)))

    assert stored[:8] == b"GSSEAL\0\1"
    assert stored[8:16] == derived(b"key id", 8, None)
    cipher = AESGCM(derived(b"file backups/1/database.dump", 32, stored[16:48]))
    first = cipher.decrypt(bytes(12), stored[48 : 48 + 65536 + 16], None)
    last = cipher.decrypt(bytes(10) + b"\1\1", stored[48 + 65536 + 16 :], None)
    assert first + last == b"x" * (CHUNK + 5)


@given(st.integers(0, sealed_size(2 * CHUNK + 9) - 1))
def test_no_byte_can_be_changed(place):
    stored = bytearray(STORED)
    stored[place] ^= 1
    with pytest.raises(Damaged):
        unsealed(bytes(stored))


@given(st.integers(0, sealed_size(2 * CHUNK + 9) - 1))
def test_nothing_can_be_cut_off(size):
    with pytest.raises(Damaged):
        unsealed(STORED[:size])


STORED = sealed(bytes(2 * CHUNK + 9))


def test_chunks_cannot_be_swapped_left_out_or_added():
    whole = CHUNK + TAG
    head, first, second, last = (
        STORED[:HEADER],
        STORED[HEADER : HEADER + whole],
        STORED[HEADER + whole : HEADER + 2 * whole],
        STORED[HEADER + 2 * whole :],
    )
    for parts in ([second, first, last], [first, last], [first, second], [first, second, last, last]):
        with pytest.raises(Damaged):
            unsealed(head + b"".join(parts))


def test_a_file_cannot_stand_in_for_another():
    with pytest.raises(Damaged):
        unsealed(STORED, "another name")
    with pytest.raises(Damaged, match="another key"):
        unsealed(STORED, key=Key(bytes(32)))


@pytest.mark.parametrize("text", ["", "00" * 31, "zz" * 32, "00" * 33])
def test_key_files_hold_64_digits(tmp_path, text):
    path = tmp_path / "key"
    with pytest.raises(BackupError, match="cannot be read"):
        read_key(path)
    path.write_text(text)
    with pytest.raises(BackupError, match="64 hexadecimal digits"):
        read_key(path)
    path.write_text("0A" * 32 + "\n")
    assert read_key(path).id == Key(b"\n" * 32).id
