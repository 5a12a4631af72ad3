"""The small contract that object storage has to keep, on disk and on S3: whole packs in, byte ranges out."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import FileSystemStorage, Storage, storages
from storages.backends.s3 import S3Storage

from gitslice.common.errors import ServerBusy
from gitslice.objects.watched import WatchedStore

CHUNK = 256 << 10
MARKER = "format"  # the object that tells the format of all others; no list names it
INCOMING = "incoming"  # the folder of files that are being written
UNFINISHED = re.compile(r"\.\d+\.\d+$")  # a file that is not renamed yet
GAP = 64 << 10  # bytes between two ranges that are cheaper read and dropped than left out


class ObjectMissing(Exception):
    """An object that the index names is not in the store."""


class ObjectStore(Protocol):
    """`name` is like `7/ab/abcdef….pack`. Objects never change once written."""

    def spool(self) -> BinaryIO:
        """A temporary file that `put_pack` takes at least cost; gone when closed."""

    def put_pack(self, name: str, spooled: BinaryIO) -> None:
        """Keep the spooled bytes under `name`, durably, all or nothing. Writing the same name again is harmless."""

    def read_ranges(self, name: str, ranges: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        """The bytes of sorted (offset, length) ranges one after the other, in chunks of any size."""

    def exists(self, name: str) -> bool: ...

    def delete(self, name: str) -> None: ...

    def list(self, prefix: str) -> Iterator[str]: ...

    def sizes(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Names and bytes of all objects whose names begin with `prefix`, which is empty or ends with `/`."""


def object_name(organization_id: int, digest: bytes) -> str:
    """The name of a pack's object, from the pack's digest."""
    text = bytes(digest).hex()
    return f"{organization_id}/{text[:2]}/{text}.pack"


def object_store() -> ObjectStore:
    return WatchedStore(store_in(storages["objects"]), ObjectMissing)


def store_in(storage: Storage) -> ObjectStore:
    """The objects in a folder or a bucket."""
    if isinstance(storage, S3Storage):
        return S3Store(storage)
    assert isinstance(storage, FileSystemStorage), f"no object store for {storage!r}"
    return DiskStore(storage)


class DiskStore:
    """Files in a folder: written beside their place, synced, then renamed."""

    def __init__(self, storage: FileSystemStorage) -> None:
        self._root = Path(storage.location)

    def spool(self) -> BinaryIO:
        folder = self._root / INCOMING
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.NamedTemporaryFile(dir=folder, suffix=".pack")  # type: ignore[return-value]

    def put_pack(self, name: str, spooled: BinaryIO) -> None:
        path = self._path(name)
        try:
            _make_folder(path.parent)
            spooled.flush()
            os.fsync(spooled.fileno())
            beside = path.with_name(f"{path.name}.{os.getpid()}.{id(spooled)}")
            os.link(spooled.name, beside)
            os.rename(beside, path)
            _sync_folder(path.parent)
        except OSError as error:
            raise _full(error) from error

    def read_ranges(self, name: str, ranges: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        try:
            descriptor = os.open(self._path(name), os.O_RDONLY)
        except FileNotFoundError:
            raise ObjectMissing(name) from None
        try:
            for offset, length in _adjoined(ranges):
                yield from _pread(descriptor, offset, length, name)
        finally:
            os.close(descriptor)

    def exists(self, name: str) -> bool:
        return self._path(name).exists()

    def delete(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def list(self, prefix: str) -> Iterator[str]:
        for path in sorted((self._root / prefix).rglob("*.pack")):
            yield path.relative_to(self._root).as_posix()

    def sizes(self, prefix: str) -> Iterator[tuple[str, int]]:
        for path in sorted((self._root / prefix).rglob("*")):
            name = path.relative_to(self._root).as_posix()
            own = name == MARKER or name.startswith(f"{INCOMING}/") or UNFINISHED.search(name)
            if path.is_file() and not own:
                yield name, path.stat().st_size

    def _path(self, name: str) -> Path:
        return self._root / name


class S3Store:
    """Objects in a bucket that speaks S3."""

    def __init__(self, storage: S3Storage) -> None:
        self._client = (
            storage.connection.meta.client
        )  # a client may be used by many threads, a bucket may not
        self._bucket = storage.bucket_name
        self._prefix = storage.location.strip("/") + "/" if storage.location.strip("/") else ""

    def spool(self) -> BinaryIO:
        return tempfile.NamedTemporaryFile(suffix=".pack")  # type: ignore[return-value]

    def put_pack(self, name: str, spooled: BinaryIO) -> None:
        spooled.flush()
        spooled.seek(0)
        with open(spooled.name, "rb") as body:
            try:
                self._client.upload_fileobj(body, self._bucket, self._key(name))
            except (BotoCoreError, ClientError) as error:
                raise ServerBusy(f"the object store did not take the pack: {error}") from error

    def read_ranges(self, name: str, ranges: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        for start, end, wanted in _gathered(ranges):
            yield from _cut(self._body(name, start, end), start, wanted, name)

    def exists(self, name: str) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=self._key(name))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
        return True

    def delete(self, name: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=self._key(name))

    def list(self, prefix: str) -> Iterator[str]:
        return (name for name, _ in self.sizes(prefix))

    def sizes(self, prefix: str) -> Iterator[tuple[str, int]]:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
            for summary in page.get("Contents", ()):
                if (name := summary["Key"].removeprefix(self._prefix)) != MARKER:
                    yield name, summary["Size"]

    def _key(self, name: str) -> str:
        return self._prefix + name

    def _body(self, name: str, start: int, end: int) -> Iterator[bytes]:
        try:
            answer = self._client.get_object(
                Bucket=self._bucket, Key=self._key(name), Range=f"bytes={start}-{end - 1}"
            )
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                raise ObjectMissing(name) from None
            raise ServerBusy(f"the object store does not answer: {error}") from error
        except BotoCoreError as error:
            raise ServerBusy(f"the object store cannot be reached: {error}") from error
        return answer["Body"].iter_chunks(CHUNK)


def _pread(descriptor: int, offset: int, length: int, name: str) -> Iterator[bytes]:
    while length:
        chunk = os.pread(descriptor, min(length, CHUNK), offset)
        if not chunk:
            raise ObjectMissing(f"{name} ends before byte {offset + length}")
        yield chunk
        offset, length = offset + len(chunk), length - len(chunk)


def _adjoined(ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Ranges that follow each other without a gap as one."""
    start = end = -1
    for offset, length in ranges:
        if offset == end:
            end += length
            continue
        if end > start:
            yield start, end - start
        start, end = offset, offset + length
    if end > start:
        yield start, end - start


def _gathered(ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Ranges with small gaps as one request: its start and end, and the (offset, length) wanted of it."""
    group: list[tuple[int, int]] = []
    end = 0
    for offset, length in _adjoined(ranges):
        if group and offset - end > GAP:
            yield group[0][0], end, group
            group = []
        group.append((offset, length))
        end = offset + length
    if group:
        yield group[0][0], end, group


def _cut(body: Iterator[bytes], at: int, wanted: list[tuple[int, int]], name: str) -> Iterator[bytes]:
    """Of a body that begins at byte `at`, the wanted ranges."""
    left = list(reversed(wanted))
    for chunk in body:
        while left:
            offset, length = left[-1]
            piece = chunk[max(offset - at, 0) : max(offset + length - at, 0)]
            if piece:
                yield piece
            if offset + length > at + len(chunk):
                break
            left.pop()
        at += len(chunk)
    if left:
        raise ObjectMissing(f"{name} ends before byte {left[0][0] + left[0][1]}")


def _make_folder(folder: Path) -> None:
    """With all its parents, each of them on disk before anything is put into it."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _full(error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ServerBusy("the object store is full", hint="tell an administrator")
    return error
