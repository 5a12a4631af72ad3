"""The nodes of Merkle trees in the database, each a zstd frame: PostgreSQL's own compression takes six times as long."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from functools import partial

import zstandard
from django.db import connection

from gitslice_core.trees import Trees

INSERT = (
    "INSERT INTO slices_treenode (organization_id, digest, body)"
    " SELECT %s, * FROM unnest(%b::bytea[], %b::bytea[])"  # %b: no escaping of megabytes
    " ON CONFLICT (organization_id, digest) DO UPDATE SET body = excluded.body"
    " WHERE slices_treenode.body IS DISTINCT FROM excluded.body"  # a damaged one is mended
)
AT_ONCE = 10_000  # nodes in one statement


def load_nodes(organization_id: int, digests: Collection[bytes]) -> dict[bytes, bytes]:
    """The nodes of those digests that are stored and sound: nothing is built on one that is not what its name says."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT digest, body FROM slices_treenode WHERE organization_id = %s AND digest = ANY(%s)",
            [organization_id, list(digests)],
        )
        expand = zstandard.ZstdDecompressor()
        nodes = {bytes(digest): _expanded(expand, bytes(frame)) for digest, frame in cursor}
    return {digest: body for digest, body in nodes.items() if hashlib.sha256(body).digest() == digest}


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
