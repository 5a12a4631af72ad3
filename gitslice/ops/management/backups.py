"""What the commands for backups have in common."""

from __future__ import annotations

import contextlib
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import django.db
import psycopg
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.management.base import CommandError

from gitslice.common.errors import DomainError
from gitslice.ops.backup.errors import BackupError
from gitslice.ops.backup.manifests import Manifest
from gitslice.ops.backup.sealing import Key, read_key


def add_key_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--key-file",
        type=Path,
        help="backups are sealed with the key in this file, 64 hexadecimal digits (else GITSLICE_BACKUP_KEY_FILE)",
    )


def add_source(parser: ArgumentParser) -> None:
    parser.add_argument("source", help="a folder, file:///folder or s3://bucket?endpoint=URL")
    parser.add_argument("--id", help="of the backup; else the newest")


def chosen_key(key_file: Path | None) -> Key | None:
    path = key_file or settings.GITSLICE_BACKUP_KEY_FILE
    return read_key(Path(path)) if path else None


@contextlib.contextmanager
def failures_told() -> Iterator[None]:
    """As an error of the command, with exit status 1."""
    try:
        yield
    except (django.db.Error, psycopg.Error) as error:
        raise CommandError(f"the database does not answer as it should: {error}") from error
    except (BackupError, DomainError, OSError, BotoCoreError, ClientError) as error:
        raise CommandError(str(error)) from error


def described(manifest: Manifest) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in manifest.counts.items())
    sealed = f", sealed with key {manifest.key}" if manifest.key else ""
    return (
        f"backup {manifest.id} of {manifest.made_at}, GitSlice {manifest.product}, "
        f"PostgreSQL {manifest.postgresql}{sealed}\n"
        f"  {counts}; dump {manifest.dump_size} bytes, {len(manifest.packs)} packs of {manifest.pack_bytes} bytes"
    )
