"""The digest of a global commit: SHA-256 over a canonical encoding (docs/global-state.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class GlobalFacts:
    """Everything that the digest covers; `commits` are the digests of what is in it, in landing order. `salt` is random,
    and shown to who sees everything: nobody else can find out by guessing what the digest is made of."""

    parent: bytes | None
    number: int
    tree: bytes
    salt: bytes
    author_id: int | None
    merged_at: datetime
    commits: Sequence[bytes]


def global_digest(facts: GlobalFacts) -> bytes:
    time = facts.merged_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    head = (
        f"gitslice global commit 1\nparent {facts.parent.hex() if facts.parent else '-'}\nnumber {facts.number}\n"
        f"tree {facts.tree.hex()}\nsalt {facts.salt.hex()}\nauthor {facts.author_id or '-'}\ntime {time}\ncommits {len(facts.commits)}\n"
    )
    return hashlib.sha256((head + "".join(f"{digest.hex()}\n" for digest in facts.commits)).encode()).digest()
