"""Making a backup while the system serves: the database first, then the packs that its rows name, the manifest last.

Objects never change and a row names only what is stored, so whatever is written meanwhile does no harm.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from gitslice import __version__
from gitslice.objects.store import ObjectMissing, ObjectStore, object_store
from gitslice.ops.backup import database
from gitslice.ops.backup.errors import BackupError, Damaged
from gitslice.ops.backup.manifests import Manifest, PackFacts
from gitslice.ops.backup.pruning import Removed, remove_unneeded
from gitslice.ops.backup.vaults import Vault

AT_ONCE = 4  # packs that are read and written at the same time
BATCH = 1_000


@dataclass(frozen=True)
class Made:
    manifest: Manifest
    copied: int  # packs that the destination did not have
    copied_bytes: int
    removed: Removed


def make_backup(vault: Vault, *, keep: int | None = None) -> Made:
    """Raises BackupError, and what a destination raises that is full or away; then there is no new backup."""
    with database.one_at_a_time() as own:
        id = _new_id(vault)
        with database.snapshot(own) as snapshot:
            facts = snapshot.facts()
            digest, size = vault.write(vault.dump_name(id), database.dump(snapshot))
        copied = copy_packs(vault, facts.packs)
        manifest = Manifest(
            id=id,
            made_at=facts.made_at,
            product=__version__,
            schema=facts.schema,
            postgresql=database.server_version(),
            dump_sha256=digest,
            dump_size=size,
            counts=facts.counts,
            packs=facts.packs,
            key=vault.key.id if vault.key else None,
        )
        vault.publish(manifest)
        removed = remove_unneeded(vault, keep) if keep else Removed()
    return Made(manifest, len(copied), sum(pack.size for pack in copied), removed)


def _new_id(vault: Vault) -> str:
    """Ids sort by time: the newest backup is that of the greatest id."""
    id = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(2)}"
    later = [known for known in vault.ids() if known > id]
    if later:
        raise BackupError(f"there is a backup of a later time, {later[-1]}: is the clock right?")
    return id


def copy_packs(vault: Vault, packs: Iterable[PackFacts]) -> list[PackFacts]:
    """Copy what the destination does not have, and make sure that it then has all; gives what was copied."""
    packs = tuple(packs)
    missing = missing_packs(vault, packs)
    store = object_store()
    problems = problems_of(missing, lambda pack: copy_pack(vault, store, pack))
    if problems:
        raise BackupError("\n".join(["packs cannot be copied, so there is no new backup", *problems]))
    for pack in missing_packs(vault, packs):
        raise BackupError(f"{vault.pack_name(pack)} is gone again: does another system use this destination?")
    return missing


def missing_packs(vault: Vault, packs: Iterable[PackFacts]) -> list[PackFacts]:
    """Those that are not there, or not with their size."""
    there = vault.sizes(f"{vault.pack_folder(vault.key.id if vault.key else None)}/")
    return [pack for pack in packs if there.get(vault.pack_name(pack)) != vault.stored_size(pack.size)]


def copy_pack(vault: Vault, store: ObjectStore, pack: PackFacts) -> None:
    try:
        vault.write(vault.pack_name(pack), store.read_ranges(pack.name, [(0, pack.size)]), pack.sha256)
    except ObjectMissing as error:
        raise Damaged(f"{pack.name}: missing in the object store, or too short ({error})") from None


def problems_of(packs: Iterable[PackFacts], act: Callable[[PackFacts], None]) -> list[str]:
    """Do something with each pack, several at a time; gives what is damaged. Other errors end it."""

    def tried(pack: PackFacts) -> str | None:
        try:
            act(pack)
        except Damaged as damage:
            return str(damage)
        return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [
            problem for batch in _batches(packs) for problem in pool.map(tried, batch) if problem is not None
        ]


def _batches(packs: Iterable[PackFacts]) -> Iterator[list[PackFacts]]:
    rest = iter(packs)
    while batch := list(islice(rest, BATCH)):
        yield batch
