"""A backup becomes a system again: packs first, then all rows in one transaction, so that a failed restore leaves an
empty system in which it can be tried again. And what is left to do when PostgreSQL has recovered its database itself.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from accounts.sso.models import IdentityProvider
from accounts.webhooks.models import Webhook
from gitslice.common.secrets import Unreadable, unseal
from gitslice.objects.store import ObjectMissing, ObjectStore, object_store
from gitslice.ops.backup import database
from gitslice.ops.backup.checking import fetch_dump
from gitslice.ops.backup.errors import BackupError, Damaged
from gitslice.ops.backup.making import problems_of
from gitslice.ops.backup.manifests import Manifest, PackFacts
from gitslice.ops.backup.vaults import Vault
from gitslice.ops.storage import ensure_bucket


@dataclass(frozen=True)
class Restored:
    migrated: int  # migrations that are newer than the rows and were applied
    paused_webhooks: int
    unreadable: int  # secrets that the present GITSLICE_SECRET_KEY does not open


def restore(vault: Vault, manifest: Manifest, *, keep_objects: bool = False) -> Restored:
    """Raises BackupError, Damaged; then the database is as it was."""
    _require_known(manifest)
    _require_redis()
    database.require_empty()
    ensure_bucket()
    if not keep_objects:
        _require_no_others(manifest)
    with tempfile.TemporaryDirectory() as folder:
        dump = fetch_dump(vault, manifest, Path(folder))
        _restore_packs(vault, manifest)
        database.load(dump, manifest)
    return _restored()


def after_recovery(vault: Vault | None) -> Restored:
    """For a database that PostgreSQL recovered: make sure that the object store has all packs that its rows name, those
    that are missing from a backup, and end what `restore` ends. Raises BackupError, which names packs that are lost."""
    _require_redis()
    ensure_bucket()
    store = object_store()
    problems = problems_of(database.pack_facts(), lambda pack: _ensure_pack(vault, store, pack))
    if problems:
        raise BackupError("\n".join(["these packs are lost", *problems]))
    database.end_what_was()
    return _restored()


def _restored() -> Restored:
    migrated = _migrate()
    cache.clear()
    return Restored(migrated, Webhook.objects.count(), _unreadable_secrets())


def _ensure_pack(vault: Vault | None, store: ObjectStore, pack: PackFacts) -> None:
    if vault:
        _restore_pack(vault, store, pack)
    elif not intact(store, pack):
        raise Damaged(f"{pack.name}: missing in the object store, or damaged")


def _require_known(manifest: Manifest) -> None:
    there = MigrationLoader(None).disk_migrations
    unknown = [f"{app} {name}" for app, name in manifest.schema.items() if (app, name) not in there]
    if unknown:
        raise BackupError(
            f"the backup is of GitSlice {manifest.product}, with migrations that this one does not have "
            f"({', '.join(unknown)}): restore it with that version or a newer one"
        )
    if database.major_of(manifest.postgresql) > database.server_major():
        raise BackupError(
            f"the backup is of PostgreSQL {manifest.postgresql}, and this server is {database.server_version()}"
        )


def _require_redis() -> None:
    """What it caches is of a system that is no more, and must be dropped in the end."""
    try:
        get_redis_connection().ping()
    except RedisError as error:
        raise BackupError(f"Redis does not answer: {error}") from None


def _require_no_others(manifest: Manifest) -> None:
    """Those of this backup may be there: of a restore that did not come to its end."""
    known = {pack.name for pack in manifest.packs}
    for name, _ in object_store().sizes(""):
        if name not in known:
            raise BackupError(
                f"the object store is not empty: {name} is not of this backup. If it is the store that the lost "
                "database named, --keep-objects leaves in it what is there"
            )


def _restore_packs(vault: Vault, manifest: Manifest) -> None:
    store = object_store()
    problems = problems_of(manifest.packs, lambda pack: _restore_pack(vault, store, pack))
    if problems:
        raise BackupError("\n".join(["the backup is damaged, and nothing was restored", *problems]))


def _restore_pack(vault: Vault, store: ObjectStore, pack: PackFacts) -> None:
    if intact(store, pack):
        return
    with store.spool() as spooled:
        vault.copy(vault.pack_name(pack), pack.size, pack.sha256, spooled)
        store.put_pack(pack.name, spooled)


def intact(store: ObjectStore, pack: PackFacts) -> bool:
    """Whether the object store has the pack, with its content."""
    if not store.exists(pack.name):
        return False
    content = hashlib.sha256()
    try:
        for chunk in store.read_ranges(pack.name, [(0, pack.size)]):
            content.update(chunk)
    except ObjectMissing:
        return False
    return content.hexdigest() == pack.sha256


def _migrate() -> int:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        call_command("migrate", interactive=False, verbosity=0)
    return len(plan)


def _unreadable_secrets() -> int:
    secrets = [*Webhook.objects.values_list("secret", flat=True)]
    for pair in IdentityProvider.objects.values_list("client_secret", "own_key"):
        secrets += pair
    secrets += _second_factors()
    return sum(not _opens(secret) for secret in secrets if secret)


def _second_factors() -> list[str]:
    rows = Authenticator.objects.filter(type=Authenticator.Type.TOTP)
    return [row.data.get("secret", "") for row in rows]


def _opens(secret: str) -> bool:
    try:
        unseal(secret)
    except Unreadable:
        return False
    return True
