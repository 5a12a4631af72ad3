"""What the digest of an audit event covers, byte by byte: docs/audit.md. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

FORMAT = b"gitslice audit 1\n"
NOTHING = bytes(32)  # stands before the first event


@dataclass(frozen=True)
class Entry:
    """An event at its place. People, tokens and organizations are named by their ids, which never change."""

    position: int
    id: int
    organization_id: int | None
    actor_id: int | None
    token_id: int | None
    action: str
    object: str
    detail: dict[str, Any]
    address: str | None
    at: datetime

    def text(self) -> bytes:
        """The fields in this order, as an array in the canonical JSON of RFC 8785."""
        fields = [
            self.position,
            self.id,
            self.organization_id,
            self.actor_id,
            self.token_id,
            self.action,
            self.object,
            self.detail,
            self.address,
            time_text(self.at),
        ]
        return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest_of(entry: Entry, before: bytes) -> bytes:
    return hashlib.sha256(FORMAT + before + entry.text()).digest()


def time_text(moment: datetime) -> str:
    """`2026-01-31T12:34:56.000000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
