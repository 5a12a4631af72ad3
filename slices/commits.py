"""What a commit is made of, and its digest: SHA-256 over a canonical encoding (docs/commits.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from slices.entries import Entry


class Change(NamedTuple):
    """What a commit does to one path. A rename is a `rename` at the new path and a `delete` at the old one."""

    path: str
    op: str
    old: Entry | None
    new: Entry | None
    renamed_from: str | None = None


@dataclass(frozen=True)
class CommitFacts:
    """Everything that a commit's digest covers. Slice and author are named by their ids, which never change."""

    parent: bytes | None
    slice_id: int
    author_id: int
    landed_at: datetime
    changeset_number: int | None
    message: str
    changes: tuple[Change, ...]


def commit_digest(facts: CommitFacts) -> bytes:
    return hashlib.sha256(b"".join(_lines(facts))).digest()


def _lines(facts: CommitFacts) -> Iterable[bytes]:
    message = facts.message.encode()
    time = facts.landed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    yield (
        f"gitslice commit 1\nparent {_hex(facts.parent)}\nslice {facts.slice_id}\nauthor {facts.author_id}\n"
        f"time {time}\nchangeset {facts.changeset_number or '-'}\nmessage {len(message)}\n"
    ).encode()
    yield message
    yield b"\n"
    for change in sorted(facts.changes, key=lambda change: change.path.encode()):
        yield f"{change.op} {_entry(change.old)} {_entry(change.new)} {change.path}\n".encode()
        if change.renamed_from is not None:
            yield f"from {change.renamed_from}\n".encode()


def _hex(digest: bytes | None) -> str:
    return "-" if digest is None else digest.hex()


def _entry(entry: Entry | None) -> str:
    """Mode and digest; the size follows from the digest."""
    return "- -" if entry is None else f"{entry.mode} {entry.digest.hex()}"
