"""A leaked secret out of all history: the tombstone, then the bytes in packs and in everything that was derived of them."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.db import connection, transaction

from accounts.models import Organization, User
from gitslice.common.audit import record
from gitslice.common.errors import InvalidRequest, NotFound
from gitslice.objects.models import Blob, Redaction
from gitslice.objects.redacting import purge, redact_blob
from gitslice.ops.integrity.naming import places_of

FORGET_TEXT = "UPDATE slices_searchtext SET text = NULL WHERE organization_id = %s AND digest = %s"
FORGET_HUNKS = """
UPDATE conflicts_conflict conflict SET hunks = '[]'
  FROM changesets_changeset changeset
 WHERE changeset.id = conflict.changeset_id AND changeset.organization_id = %s
   AND strpos(to_jsonb(conflict)::text, %s) > 0
"""


def redact(*, actor: User | None, organization: Organization, digest: bytes, reason: str) -> int:
    """Take a content out of all history of an organization; gives the number of objects that were deleted. Run again after
    it was killed, it finishes. `actor` is None for who works on the server itself. Raises InvalidRequest, NotFound."""
    if not reason.strip():
        raise InvalidRequest("a redaction needs a reason")
    redaction = _tombstone(actor, organization, digest, reason.strip())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(FORGET_TEXT, [organization.pk, digest])
        cursor.execute(FORGET_HUNKS, [organization.pk, digest.hex()])
    deleted = purge(redaction)
    forget: Any = cache
    forget.delete_pattern(f"*{digest.hex()}*")
    return deleted


@transaction.atomic
def _tombstone(actor: User | None, organization: Organization, digest: bytes, reason: str) -> Redaction:
    known = Redaction.objects.filter(organization=organization, digest=digest).first()
    if known:
        return known
    blob = (
        Blob.objects.filter(organization=organization, digest=digest)
        .select_related("pack__uploaded_by")
        .first()
    )
    if blob is None:
        raise NotFound(f"{organization} has no content {digest.hex()}")
    detail = {
        "reason": reason,
        "named": [f"{place.path} in {place.where}" for place in places_of(organization.pk, digest)],
    }
    record(
        organization=organization,
        actor=actor,
        action="content.redact",
        object=f"{organization} {digest.hex()}",
        detail=detail,
    )
    return redact_blob(
        actor=actor, uploader=blob.pack.uploaded_by, organization=organization, digest=digest, reason=reason
    )
