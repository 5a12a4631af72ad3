"""Whether a backup is all there, and what it says it is. Needs no database."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from gitslice.ops.backup import database
from gitslice.ops.backup.errors import BackupError, Damaged
from gitslice.ops.backup.making import problems_of
from gitslice.ops.backup.manifests import Manifest, PackFacts
from gitslice.ops.backup.vaults import Counted, Vault


def findings(vault: Vault, manifest: Manifest) -> Iterator[str]:
    """What is wrong with a backup, by reading every byte of it. None is good news."""
    yield from _dump_findings(vault, manifest)
    stored = vault.sizes(f"{vault.pack_folder(manifest.key)}/")
    yield from problems_of(manifest.packs, lambda pack: _check_pack(vault, pack, stored))


def fetch_dump(vault: Vault, manifest: Manifest, folder: Path) -> Path:
    """The dump as a file in `folder`. Raises BackupError, Damaged."""
    path = folder / "database.dump"
    with path.open("xb") as file:
        vault.copy(vault.dump_name(manifest.id), manifest.dump_size, manifest.dump_sha256, file)
    database.check_dump(path, database.major_of(manifest.postgresql))
    return path


def _dump_findings(vault: Vault, manifest: Manifest) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            fetch_dump(vault, manifest, Path(folder))
        except BackupError as error:
            yield str(error)


def _check_pack(vault: Vault, pack: PackFacts, stored: dict[str, int]) -> None:
    name = vault.pack_name(pack)
    if name not in stored:
        raise Damaged(f"{name}: it is missing")
    if stored[name] != vault.stored_size(pack.size):
        raise Damaged(f"{name}: it has {stored[name]} bytes, not {vault.stored_size(pack.size)}")
    content = Counted(vault.read(name, pack.size))
    for _ in content:
        pass
    if content.sha256 != pack.sha256:
        raise Damaged(f"{name}: its content is not what its digest says")
