"""What a backup consists of. The manifest is written last: what has none is no backup."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from typing import Any

from gitslice.objects.store import object_name
from gitslice.ops.backup.errors import BackupError, Damaged
from gitslice.ops.backup.sealing import Key

FORMAT = 1


@dataclass(frozen=True)
class PackFacts:
    organization: int
    sha256: str  # of the pack, which is its digest
    size: int

    @property
    def name(self) -> str:
        """Of its object in the object store."""
        return object_name(self.organization, bytes.fromhex(self.sha256))


@dataclass(frozen=True)
class Manifest:
    id: str
    made_at: str  # ISO 8601, UTC: when the snapshot was taken
    product: str
    schema: dict[str, str]  # the newest migration of every app
    postgresql: str  # version of the server that was dumped
    dump_sha256: str  # of what pg_restore reads
    dump_size: int
    counts: dict[str, int]
    packs: tuple[PackFacts, ...]
    key: str | None  # the id of the key that seals it

    @property
    def pack_bytes(self) -> int:
        return sum(pack.size for pack in self.packs)


def written(manifest: Manifest, key: Key | None) -> bytes:
    facts = {"format": FORMAT, **asdict(manifest)}
    return json.dumps(facts | {"proof": _proof(facts, key)}, indent=1).encode()


def read(content: bytes) -> Manifest:
    """The manifest, not yet proved. Raises Damaged, BackupError for one of a newer format."""
    facts = _facts(content)
    if facts.pop("format", None) != FORMAT:
        raise BackupError("this backup has a format that this version does not know")
    facts.pop("proof", None)
    try:
        facts["packs"] = tuple(PackFacts(**pack) for pack in facts["packs"])
        return Manifest(**facts)
    except (TypeError, KeyError):
        raise Damaged("the manifest is not complete") from None


def prove(content: bytes, key: Key | None) -> None:
    """Raises Damaged if a manifest is not as it was written, with this key or without one."""
    facts = _facts(content)
    proof = facts.pop("proof", "")
    if not hmac.compare_digest(str(proof), _proof(facts, key)):
        raise Damaged("the manifest is not as it was written")


def _facts(content: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(content)
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        raise Damaged("the manifest is not readable")
    return facts


def _proof(facts: dict[str, Any], key: Key | None) -> str:
    content = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    return key.proof(content) if key else hashlib.sha256(content).hexdigest()
