from __future__ import annotations

import contextlib
import io
import os
import random

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gitslice_core.packs import (
    MAGIC,
    WHOLE_BYTES,
    PackError,
    PackReader,
    PackWriter,
    blob_record,
    end_record,
    git_blob_id,
    train,
)

WORDS = [b"def ", b"return ", b"class ", b"import ", b"self.", b"\n    ", b"value = ", b"None\n"]


def sources(count: int) -> list[bytes]:
    generator = random.Random(1)
    return [b"".join(generator.choices(WORDS, k=400)) + b"%d" % number for number in range(count)]


def packed(contents, dictionary=None) -> bytes:
    file = io.BytesIO()
    writer = PackWriter(file, dictionary)
    for content in contents:
        writer.add(content)
    writer.finish()
    return file.getvalue()


def unpacked(data: bytes, **limits) -> list[bytes]:
    reader = PackReader(io.BytesIO(data), **limits)
    return [
        reader.content(blob) if blob.size <= WHOLE_BYTES else b"".join(reader.chunks(blob)) for blob in reader
    ]


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_what_goes_in_comes_out(contents):
    assert unpacked(packed(contents)) == contents


def test_a_dictionary_makes_packs_smaller():
    contents = sources(400)
    dictionary = train(contents)
    assert dictionary
    with_dictionary = packed(contents, dictionary)
    assert unpacked(with_dictionary) == contents
    assert train(contents[:3]) is None


def test_big_blobs_pass_through_in_pieces():
    content = os.urandom(WHOLE_BYTES + 12345)
    file = io.BytesIO()
    writer = PackWriter(file)
    writer.add(b"before")
    writer.add_stream(io.BytesIO(content), len(content))
    writer.add(b"after")
    writer.finish()
    assert unpacked(file.getvalue()) == [b"before", content, b"after"]


def test_blobs_that_nobody_reads_are_passed_over():
    reader = PackReader(io.BytesIO(packed([b"one", b"two"])))
    assert [blob.size for blob in reader] == [3, 3]


@given(st.data())
def test_every_truncation_is_noticed(data):
    whole = packed([b"some content", b"more"])
    with pytest.raises(PackError):
        unpacked(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(st.data())
def test_every_flipped_bit_is_noticed(data):
    whole = bytearray(packed([b"some content " * 20, b"more " * 20]))
    position = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[position // 8] ^= 1 << position % 8
    with contextlib.suppress(PackError):  # zstd leaves some bits unused
        assert unpacked(bytes(whole)) == [b"some content " * 20, b"more " * 20]


def one_blob(content: bytes, *, digest=None, size=None, frame=None) -> bytes:
    import hashlib

    frame = zstandard.ZstdCompressor().compress(content) if frame is None else frame
    digest = digest or hashlib.sha256(content).digest()
    head = blob_record(digest, len(content) if size is None else size, len(frame))
    return MAGIC + head + frame + end_record(1)


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"PK\x03\x04 not a pack",
        MAGIC + b"X",
        MAGIC + end_record(1),
        packed([b"a"]) + b"more",
        one_blob(b"content", digest=bytes(32)),
        one_blob(b"content", size=6),
        one_blob(b"content", size=8),
        one_blob(b"content", frame=b"no frame at all"),
        one_blob(b"content", frame=zstandard.ZstdCompressor(write_content_size=False).compress(b"content")),
        one_blob(b"content", frame=zstandard.ZstdCompressor().compress(b"content") + b"tail"),
        one_blob(b"", frame=zstandard.ZstdCompressor().compress(bytes(50 << 20)), size=10),
        one_blob(b"", frame=zstandard.ZstdCompressor().compress(bytes(50 << 20)), size=WHOLE_BYTES + 1),
    ],
)
def test_damaged_and_mislabelled_packs_are_refused(wrong):
    with pytest.raises(PackError):
        unpacked(wrong)


def test_blobs_above_the_limit_are_refused_unread():
    with pytest.raises(PackError):
        unpacked(packed([b"x" * 100]), max_blob_bytes=99)


def test_packs_with_too_many_blobs_are_refused():
    assert unpacked(packed([b"a", b"b"]), max_blobs=2) == [b"a", b"b"]
    with pytest.raises(PackError, match="more than 2 blobs"):
        unpacked(packed([b"a", b"b", b"c"]), max_blobs=2)


def test_big_frames_hide_nothing_and_ask_for_little_memory():
    content = bytes(range(256)) * (WHOLE_BYTES // 256 + 1)
    hiding = zstandard.ZstdCompressor().compress(content) + bytes(len(content))
    with pytest.raises(PackError):
        unpacked(one_blob(content, frame=hiding, size=len(content)))
    wide = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False)
    compressor = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    frame = compressor.compress(content) + compressor.flush()
    with pytest.raises(PackError, match="memory"):
        unpacked(one_blob(content, frame=frame))


def test_git_gives_the_same_blob_id():
    hashed = git_blob_id(6)
    hashed.update(b"hello\n")
    assert hashed.hexdigest() == "ce013625030ba8dba906f756967f9e9ca394464a"
