"""One contract for every back end: files on disk, and a real server that speaks S3."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3Storage

from gitslice.common.errors import ServerBusy
from gitslice.env import object_storage
from gitslice.objects.store import DiskStore, ObjectMissing, ObjectStore, S3Store

CONTENT = os.urandom(300_000)


@pytest.fixture(params=["disk", "s3"])
def store(request, tmp_path) -> Iterator[ObjectStore]:
    if request.param == "disk":
        yield DiskStore(FileSystemStorage(location=str(tmp_path)))
        return
    server = request.getfixturevalue("s3_server")
    storage = s3_storage(server, f"contract-{os.urandom(4).hex()}")
    storage.connection.create_bucket(Bucket=storage.bucket_name)
    yield S3Store(storage)


def s3_storage(server, bucket: str, secret: str | None = None) -> S3Storage:
    options = object_storage(f"s3://{bucket}?endpoint={server.endpoint}&prefix=inner")["OPTIONS"]
    return S3Storage(**options, access_key=server.access_key, secret_key=secret or server.secret_key)


def put(store: ObjectStore, name: str, content: bytes = CONTENT) -> None:
    with store.spool() as spooled:
        spooled.write(content)
        store.put_pack(name, spooled)


def read(store: ObjectStore, name: str, ranges: list[tuple[int, int]]) -> bytes:
    return b"".join(store.read_ranges(name, ranges))


def test_what_was_put_is_read_back(store):
    put(store, "1/ab/abc.pack")
    assert store.exists("1/ab/abc.pack")
    assert read(store, "1/ab/abc.pack", [(0, len(CONTENT))]) == CONTENT


@pytest.mark.parametrize(
    "ranges",
    [
        [(0, 1)],
        [(10, 20), (30, 5), (40, 100)],
        [(0, 5), (200_000, 100_000)],
        [(1, 1), (70_000, 1), (299_999, 1)],
        [(number * 100, 50) for number in range(1000)],
    ],
)
def test_ranges_come_one_after_the_other(store, ranges):
    put(store, "1/ab/abc.pack")
    expected = b"".join(CONTENT[offset : offset + length] for offset, length in ranges)
    assert read(store, "1/ab/abc.pack", ranges) == expected


def test_many_threads_share_a_store(store):
    def work(number: int) -> bytes:
        content = CONTENT[number * 100 :]
        put(store, f"1/ab/{number}.pack", content)
        return read(store, f"1/ab/{number}.pack", [(0, 50), (1000, 50)])

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(work, range(40)))
    assert found == [
        CONTENT[number * 100 :][:50] + CONTENT[number * 100 :][1000:1050] for number in range(40)
    ]


def test_ranges_past_the_end_are_said(store):
    put(store, "1/ab/abc.pack")
    with pytest.raises(ObjectMissing):
        read(store, "1/ab/abc.pack", [(len(CONTENT) - 10, 20)])


def test_folders_are_on_disk_before_what_stands_in_them(tmp_path, monkeypatch):
    synced: list[str] = []
    sync = os.fsync

    def noting(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    put(DiskStore(FileSystemStorage(location=str(tmp_path / "objects"))), "1/ab/abc.pack")
    folders = [str(tmp_path), str(tmp_path / "objects"), str(tmp_path / "objects" / "1")]
    assert [name for name in synced if name in folders][-2:] == folders[1:]
    assert synced[-1] == str(tmp_path / "objects" / "1" / "ab")


def test_putting_twice_is_harmless(store):
    put(store, "1/ab/abc.pack")
    put(store, "1/ab/abc.pack")
    assert read(store, "1/ab/abc.pack", [(5, 10)]) == CONTENT[5:15]


def test_lists_and_deletes(store):
    put(store, "1/ab/abc.pack")
    put(store, "2/cd/cde.pack", b"other")
    assert list(store.list("1/")) == ["1/ab/abc.pack"]
    assert list(store.sizes("1/")) == [("1/ab/abc.pack", len(CONTENT))]
    store.delete("1/ab/abc.pack")
    store.delete("1/ab/abc.pack")
    assert not store.exists("1/ab/abc.pack")
    assert list(store.list("")) == ["2/cd/cde.pack"]
    with store.spool() as unfinished:
        unfinished.write(b"unfinished")
        assert dict(store.sizes("")) == {"2/cd/cde.pack": 5}


def test_what_is_missing_is_said(store):
    with pytest.raises(ObjectMissing):
        read(store, "1/ab/nothing.pack", [(0, 1)])


def test_what_was_not_put_leaves_nothing(store):
    with store.spool() as spooled:
        spooled.write(b"half")
    assert list(store.list("")) == []


def test_a_wrong_key_opens_nothing(s3_server):
    good = s3_storage(s3_server, f"keys-{os.urandom(4).hex()}")
    good.connection.create_bucket(Bucket=good.bucket_name)
    put(S3Store(good), "1/ab/abc.pack")
    bad = S3Store(s3_storage(s3_server, good.bucket_name, secret="wrong"))
    with pytest.raises(ServerBusy):
        read(bad, "1/ab/abc.pack", [(0, 1)])
    with pytest.raises(ServerBusy):
        put(bad, "1/ab/abd.pack")
