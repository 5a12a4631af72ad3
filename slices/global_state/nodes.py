"""The nodes of Merkle trees in the database, each a zstd frame: PostgreSQL's own compression takes ten times as long."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

import zstandard
from django.db import connection

from gitslice_core.trees import Trees

INSERT = (
    "INSERT INTO slices_treenode (organization_id, digest, body)"
    " SELECT %s, * FROM unnest(%b::bytea[], %b::bytea[]) ON CONFLICT DO NOTHING"  # %b: no escaping of megabytes
)
AT_ONCE = 10_000  # nodes in one statement


def load_nodes(organization_id: int, digests: Collection[bytes]) -> dict[bytes, bytes]:
    """The nodes of those digests that are stored."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT digest, body FROM slices_treenode WHERE organization_id = %s AND digest = ANY(%s)",
            [organization_id, list(digests)],
        )
        expand = zstandard.ZstdDecompressor()
        return {bytes(digest): _expanded(expand, bytes(frame)) for digest, frame in cursor}


def store_nodes(organization_id: int, nodes: Mapping[bytes, bytes]) -> None:
    """Nodes that no tree refers to are harmless, so they are stored before what does."""
    digests = list(nodes)
    compress = zstandard.ZstdCompressor(level=1).compress
    with connection.cursor() as cursor:
        for at in range(0, len(digests), AT_ONCE):
            part = digests[at : at + AT_ONCE]
            cursor.execute(INSERT, [organization_id, part, [compress(nodes[digest]) for digest in part]])


def stored_trees(organization_id: int) -> Trees:
    """Trees over what is stored."""
    return Trees(partial(load_nodes, organization_id))


def _expanded(expand: zstandard.ZstdDecompressor, frame: bytes) -> bytes:
    """The node; empty, and so none, where the frame is damaged."""
    try:
        return expand.decompress(frame)
    except zstandard.ZstdError:
        return b""
