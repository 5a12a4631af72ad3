"""Old backups go, with the packs that no backup names any more."""

from __future__ import annotations

from dataclasses import dataclass

from gitslice.ops.backup import manifests
from gitslice.ops.backup.vaults import Vault

PACK_FOLDERS = ("packs/", "sealed/")


@dataclass(frozen=True)
class Removed:
    backups: int = 0
    packs: int = 0


def remove_unneeded(vault: Vault, keep: int) -> Removed:
    """Keep the newest `keep` complete backups and what they name. The caller sees to it that no backup is being made.

    Everything that stays is read before anything goes: a manifest that cannot be read stops it (BackupError).
    """
    ids = vault.ids()
    old, kept = ids[:-keep], ids[-keep:]
    needed = {name for id in kept for name in _pack_names(vault, id)}
    for id in old:
        vault.store.delete(vault.manifest_name(id))  # first: what has no manifest is no backup
    for name in vault.sizes("backups/"):
        if name.split("/")[1] not in kept:
            vault.store.delete(name)
    unneeded = [name for folder in PACK_FOLDERS for name in vault.sizes(folder) if name not in needed]
    for name in unneeded:
        vault.store.delete(name)
    return Removed(len(old), len(unneeded))


def _pack_names(vault: Vault, id: str) -> set[str]:
    """Of a backup with any key or none."""
    manifest = manifests.read(vault.manifest_content(id))
    folder = vault.pack_folder(manifest.key)
    return {f"{folder}/{pack.name}" for pack in manifest.packs}
