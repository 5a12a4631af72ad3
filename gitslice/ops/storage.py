from __future__ import annotations

from pathlib import Path

from django.core.files.storage import FileSystemStorage, storages

from gitslice.env import private_folder


def ensure_bucket() -> None:
    """Make the folder or the bucket of the object store unless it is there."""
    storage = storages["objects"]
    if isinstance(storage, FileSystemStorage):
        private_folder(Path(storage.base_location))
        return
    from botocore.exceptions import ClientError  # boto3 takes 0.3 s to import; only S3 needs it

    client = storage.connection.meta.client  # type: ignore[attr-defined]
    try:
        client.head_bucket(Bucket=storage.bucket_name)  # type: ignore[attr-defined]
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise
        client.create_bucket(Bucket=storage.bucket_name)  # type: ignore[attr-defined]
