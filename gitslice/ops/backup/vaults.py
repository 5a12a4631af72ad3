"""A destination of backups: a folder or a bucket, laid out as docs/backup.md says, sealed or not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import FileSystemStorage, Storage
from storages.backends.s3 import S3Storage

from gitslice import env
from gitslice.configuration.kinds import OBJECTS
from gitslice.objects.store import ObjectMissing, ObjectStore, store_in
from gitslice.ops.backup import manifests
from gitslice.ops.backup.errors import BackupError, Damaged
from gitslice.ops.backup.manifests import Manifest, PackFacts
from gitslice.ops.backup.sealing import Key, seal, sealed_size, unseal
from gitslice.ops.storage import ensure_bucket, exists, same_place

MANIFEST = "manifest.json"
DUMP = "database.dump"


@dataclass(frozen=True)
class Vault:
    store: ObjectStore
    key: Key | None

    def pack_folder(self, key_id: str | None) -> str:
        """Packs that are sealed with one key never stand in for those of another."""
        return f"sealed/{key_id}" if key_id else "packs"

    def pack_name(self, pack: PackFacts) -> str:
        return f"{self.pack_folder(self.key.id if self.key else None)}/{pack.name}"

    def dump_name(self, id: str) -> str:
        return f"backups/{id}/{DUMP}"

    def manifest_name(self, id: str) -> str:
        return f"backups/{id}/{MANIFEST}"

    def stored_size(self, size: int) -> int:
        return sealed_size(size) if self.key else size

    def sizes(self, prefix: str) -> dict[str, int]:
        """Names below a prefix, with the bytes that are stored."""
        return dict(self.store.sizes(prefix))

    def write(self, name: str, content: Iterable[bytes], digest: str | None = None) -> tuple[str, int]:
        """Keep a content; gives its SHA-256 and size. Raises Damaged, and keeps nothing, if it has another `digest`."""
        counted = Counted(content)
        with self.store.spool() as spooled:
            for piece in seal(self.key, name, counted) if self.key else counted:
                spooled.write(piece)
            if digest not in (None, counted.sha256):
                raise Damaged(f"{name}: the object store's content is not what the digest says")
            self.store.put_pack(name, spooled)
        return counted.sha256, counted.size

    def read(self, name: str, size: int) -> Iterator[bytes]:
        """A content of `size` bytes. Raises Damaged."""
        stored = self.store.read_ranges(name, [(0, self.stored_size(size))])
        try:
            yield from unseal(self.key, name, stored) if self.key else stored
        except ObjectMissing as error:
            raise Damaged(f"{name}: it is missing or too short ({error})") from None

    def copy(self, name: str, size: int, digest: str, target: BinaryIO) -> None:
        """Write a content to a file. Raises Damaged if it is not what the digest says."""
        counted = Counted(self.read(name, size))
        for piece in counted:
            target.write(piece)
        if (counted.sha256, counted.size) != (digest, size):
            raise Damaged(f"{name}: its content is not what its digest says")

    def ids(self) -> list[str]:
        """Of all complete backups, the oldest first."""
        names = (name.split("/") for name in self.sizes("backups/"))
        return sorted(parts[1] for parts in names if len(parts) == 3 and parts[2] == MANIFEST)

    def manifest_content(self, id: str) -> bytes:
        name = self.manifest_name(id)
        size = self.sizes(f"backups/{id}/").get(name)
        if size is None:
            raise BackupError(f"there is no backup {id}; there are: {', '.join(self.ids()) or 'none'}")
        return b"".join(self.store.read_ranges(name, [(0, size)])) if size else b""

    def manifest(self, id: str | None) -> Manifest:
        """Of a backup (None: the newest), proved. Raises BackupError, Damaged, also for another key."""
        id = id or self._newest()
        content = self.manifest_content(id)
        manifest = manifests.read(content)
        self._check_key(manifest)
        manifests.prove(content, self.key)
        if manifest.id != id:
            raise Damaged(f"{self.manifest_name(id)} is the manifest of {manifest.id}")
        return manifest

    def publish(self, manifest: Manifest) -> None:
        with self.store.spool() as spooled:
            spooled.write(manifests.written(manifest, self.key))
            self.store.put_pack(self.manifest_name(manifest.id), spooled)

    def _newest(self) -> str:
        ids = self.ids()
        if not ids:
            raise BackupError("there is no complete backup")
        return ids[-1]

    def _check_key(self, manifest: Manifest) -> None:
        given = self.key.id if self.key else None
        if manifest.key == given:
            return
        if manifest.key is None:
            raise BackupError(f"the backup {manifest.id} is not sealed, and a key is given")
        if given is None:
            raise BackupError(f"the backup {manifest.id} is sealed with key {manifest.key}: give --key-file")
        raise BackupError(f"the backup {manifest.id} is sealed with key {manifest.key}, not with {given}")


class Counted:
    """Chunks that are hashed and counted as they are read."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._hash = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._hash.update(chunk)
            self.size += len(chunk)
            yield chunk

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def open_vault(place: str, key: Key | None, *, make: bool = False) -> Vault:
    """The destination at a folder, a `file://` or an `s3://` URL; made if it is not there and `make`. Raises BackupError."""
    storage = _storage(place)
    if same_place(storage):
        raise BackupError("that is the object store itself: a backup belongs elsewhere")
    try:
        if make:
            ensure_bucket(storage)
        elif not exists(storage):
            raise BackupError(f"there is nothing at {place}")
    except (OSError, BotoCoreError, ClientError) as error:
        raise BackupError(f"{place} cannot be used: {error}") from error
    return Vault(store_in(storage), key)


def _storage(place: str) -> Storage:
    url = place if "://" in place else Path(place).absolute().as_uri()
    try:
        options: Any = env.object_storage(OBJECTS.parse(url))["OPTIONS"]
    except ValueError:
        raise BackupError(f"{place} must be a folder, file:///folder or s3://bucket?endpoint=URL") from None
    return S3Storage(**options) if url.startswith("s3:") else FileSystemStorage(**options)
