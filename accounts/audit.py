"""Writes audit events. Registered as the recorder of gitslice.common.audit."""

from __future__ import annotations

from typing import Any

from accounts.models import AuditEvent, Organization, User
from gitslice.common.audit import current_origin


def write_event(
    *, organization: Organization | None, actor: User | None, action: str, object: str, detail: dict[str, Any]
) -> None:
    origin = current_origin()
    AuditEvent.objects.create(
        organization_id=organization.pk if organization else None,
        actor_id=actor.pk if actor else None,
        token_id=origin.token_id,
        action=action,
        object=object[:300],
        detail=detail,
        address=origin.address,
    )
