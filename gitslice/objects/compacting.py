"""Compaction: small packs of one uploader become one, and packs that are mostly dead bytes are written without them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, groupby

from django.conf import settings

from gitslice.common.rows import fetch_rows
from gitslice.objects.models import Pack
from gitslice.objects.removing import COMPACTED, object_grace
from gitslice.objects.rewriting import rewrite_packs
from gitslice.objects.store import ObjectMissing
from gitslice_core.packs import PackError

log = logging.getLogger(__name__)

FEWEST = 8  # small packs that are worth a new one
AT_MOST = 500  # packs that one new one is made of
LOOKED_AT = 10_000  # small packs of one run
SOUND = """
NOT EXISTS (SELECT FROM objects_damage damage WHERE damage.organization_id = pack.organization_id
             AND damage.subject = 'pack ' || encode(pack.digest, 'hex') AND damage.mended_at IS NULL)
"""
# Packs with a dictionary stay alone: a stored pack has one at most, and theirs differ.
SMALL = f"""
SELECT pack.id, pack.uploaded_by_id, pack.size, pack.blob_count FROM objects_pack pack
 WHERE pack.organization_id = %s AND pack.dictionary_offset IS NULL AND pack.size < %s
   AND {SOUND} AND EXISTS (SELECT FROM objects_blob blob WHERE blob.pack_id = pack.id)
 ORDER BY pack.uploaded_by_id, pack.id LIMIT %s
"""
MOSTLY_DEAD = f"""
SELECT pack.id, pack.uploaded_by_id, pack.size, pack.blob_count FROM objects_pack pack
  JOIN (SELECT pack_id, sum(length + 49) AS live FROM objects_blob WHERE organization_id = %s GROUP BY pack_id) used
    ON used.pack_id = pack.id
 WHERE pack.organization_id = %s
   AND 2 * (used.live + coalesce(pack.dictionary_length, 0)) < pack.size - 100 AND {SOUND}
 ORDER BY pack.id LIMIT %s
"""


@dataclass
class Compacted:
    """What was rewritten, or would be."""

    packs: int = 0
    made: int = 0
    bytes: int = 0  # that were read
    damaged: int = 0  # groups in which a pack was damaged, and that are left as they are


def compact(
    organization_id: int,
    *,
    max_bytes: int | None = None,
    dry_run: bool = False,
    small: bool = True,
    dead: bool = True,
) -> Compacted:
    """Rewrite packs until `max_bytes` were read: `small` ones, and those of mostly `dead` bytes (to find these takes a look
    at the whole index). Damaged ones stay as they are, for fsck to name."""
    groups = chain(_dead(organization_id) if dead else (), _small(organization_id) if small else ())
    budget = settings.GITSLICE_COMPACT_BYTES if max_bytes is None else max_bytes
    done = Compacted()
    for group in groups:
        size = sum(row.size for row in group)
        if done.bytes and done.bytes + size > budget:
            break
        if not dry_run and not _rewritten(group, done):
            continue
        done.packs, done.bytes, done.made = done.packs + len(group), done.bytes + size, done.made + 1
    return done


@dataclass(frozen=True)
class _Row:
    pk: int
    uploader: int
    size: int
    blobs: int


def _rewritten(group: list[_Row], done: Compacted) -> bool:
    packs = list(Pack.objects.filter(pk__in=[row.pk for row in group]).order_by("pk"))
    if not packs:
        return False
    try:
        rewrite_packs(packs, reason=COMPACTED, grace=object_grace())
    except (PackError, ObjectMissing) as error:
        log.error("packs from %s on are not compacted, one is damaged: %s", packs[0], error)
        done.damaged += 1
        return False
    return True


def _dead(organization_id: int) -> Iterator[list[_Row]]:
    rows = fetch_rows(MOSTLY_DEAD, [organization_id, organization_id, LOOKED_AT])
    return ([_Row(*row)] for row in rows)


def _small(organization_id: int) -> Iterator[list[_Row]]:
    """Those of one uploader together: who uploaded a blob may name it."""
    rows = fetch_rows(SMALL, [organization_id, settings.GITSLICE_COMPACT_BELOW_BYTES, LOOKED_AT])
    for _, group in groupby((_Row(*row) for row in rows), key=lambda row: row.uploader):
        yield from _filled(list(group))


def _filled(rows: list[_Row]) -> Iterator[list[_Row]]:
    """Groups that fill a pack, and what is left if that is not too little."""
    group: list[_Row] = []
    for row in rows:
        full = (
            sum(other.size for other in group) + row.size > settings.GITSLICE_COMPACT_TO_BYTES
            or sum(other.blobs for other in group) + row.blobs > settings.GITSLICE_MAX_PACK_BLOBS
            or len(group) == AT_MOST
        )
        if full:
            if len(group) > 1:
                yield group
            group = []
        group.append(row)
    if len(group) >= FEWEST:
        yield group
