"""The places of Django's storages: a folder or a bucket."""

from __future__ import annotations

from pathlib import Path

from django.core.files.storage import FileSystemStorage, Storage, storages

from gitslice.env import private_folder


def ensure_bucket(storage: Storage | None = None) -> None:
    """Make the folder or the bucket of a storage, else of the object store, unless it is there."""
    storage = storage or storages["objects"]
    if exists(storage):
        return
    if isinstance(storage, FileSystemStorage):
        private_folder(Path(storage.base_location))
        return
    storage.connection.meta.client.create_bucket(Bucket=storage.bucket_name)  # type: ignore[attr-defined]


def exists(storage: Storage) -> bool:
    """Whether its folder or its bucket is there."""
    if isinstance(storage, FileSystemStorage):
        return Path(storage.base_location).is_dir()
    from botocore.exceptions import ClientError  # boto3 takes 0.3 s to import; only S3 needs it

    try:
        storage.connection.meta.client.head_bucket(Bucket=storage.bucket_name)  # type: ignore[attr-defined]
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise
        return False
    return True


def same_place(storage: Storage) -> bool:
    """Whether it lies where the object store does."""
    return _place(storage) == _place(storages["objects"])


def _place(storage: Storage) -> tuple[object, ...]:
    if isinstance(storage, FileSystemStorage):
        return (Path(storage.base_location).resolve(),)
    facts = ("endpoint_url", "bucket_name", "location")
    return tuple(getattr(storage, name) for name in facts)
