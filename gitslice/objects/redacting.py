"""Redaction: the bytes of one content leave every pack of an organization, and do not come back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from gitslice.common.rows import fetch_rows
from gitslice.objects.models import Blob, Pack, PackRemoval, Redaction
from gitslice.objects.naming import own_names
from gitslice.objects.packstream import Chunks
from gitslice.objects.reading import PLACEHOLDER
from gitslice.objects.removing import REDACTED, delete_due, digest_in
from gitslice.objects.rewriting import rewrite_packs
from gitslice.objects.services import put_blobs
from gitslice.objects.store import ObjectMissing, object_name, object_store
from gitslice_core.packs import PackError, PackReader

NOW = timedelta()
# Packs with records that the index does not name: of blobs that came twice, or were collected.
WITH_MORE = """
SELECT pack.id FROM objects_pack pack WHERE pack.organization_id = %s AND pack.blob_count <> (
    SELECT count(*) FROM objects_blob blob WHERE blob.pack_id = pack.id) ORDER BY pack.id
"""


def redact_blob(*, actor: Any, uploader: Any, organization: Any, digest: bytes, reason: str) -> Redaction:
    """Write the tombstone: from now on nobody reads the content or uploads it again. Its bytes go with `purge`. In the
    caller's transaction, which holds up uploads until it ends. Raises Blob.DoesNotExist."""
    known = Redaction.objects.filter(organization=organization, digest=digest).first()
    if known:
        return known
    ((placeholder, _),) = put_blobs(user=uploader, organization=organization, contents=[PLACEHOLDER])
    own_names(organization.pk)
    blob = Blob.objects.select_related("pack").get(organization=organization, digest=digest)
    redaction = Redaction.objects.create(
        organization=organization,
        digest=digest,
        size=blob.size,
        reason=reason,
        redacted_by=actor,
        placeholder=placeholder,
    )
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM objects_blobclaim WHERE blob_id = %s", [blob.pk])
        cursor.execute("DELETE FROM objects_blob WHERE id = %s", [blob.pk])
    return redaction


def purge(redaction: Redaction) -> int:
    """Rewrite every pack that holds the bytes, without the dictionary that may have learnt from them, and delete the old
    objects at once; gives the number of objects deleted. Killed, it begins again. Raises PackError, ObjectMissing where a pack
    that would be rewritten is damaged."""
    organization_id, digest = redaction.organization_id, bytes(redaction.digest)
    for (pk,) in fetch_rows(WITH_MORE, [organization_id]):
        pack = Pack.objects.filter(pk=pk).first()
        if pack and _holds(_object(pack), pack.size, digest):
            rewrite_packs([pack], reason=REDACTED, grace=NOW, recompress=True)
    for unnamed in _unnamed_holders(organization_id, digest):
        PackRemoval.objects.update_or_create(
            organization_id=organization_id,
            digest=unnamed,
            defaults={"reason": REDACTED, "due_at": timezone.now()},
        )
    deleted = delete_due(reason=REDACTED)
    Redaction.objects.filter(pk=redaction.pk).update(purged_at=timezone.now())
    return deleted


def _unnamed_holders(organization_id: int, digest: bytes) -> Iterator[bytes]:
    """Objects that no row names any more and that hold the bytes; one that cannot be read may."""
    for name, size in list(object_store().sizes(f"{organization_id}/")):
        pack = digest_in(name)
        if pack is None or Pack.objects.filter(organization=organization_id, digest=pack).exists():
            continue
        if _holds(name, size, digest):
            yield pack


def _holds(name: str, size: int, digest: bytes) -> bool:
    """Whether a pack has a record of the blob; what is too damaged to tell counts as if."""
    chunks = Chunks(object_store().read_ranges(name, [(0, size)]))
    reader = PackReader(chunks, max_blob_bytes=settings.GITSLICE_MAX_BLOB_BYTES)
    try:
        return any(blob.digest == digest for blob in reader)
    except ObjectMissing:
        return False
    except PackError:
        return True


def _object(pack: Pack) -> str:
    return object_name(pack.organization_id, bytes(pack.digest))
