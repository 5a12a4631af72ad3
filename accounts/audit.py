"""Writes audit events. Registered as the recorder of gitslice.common.audit."""

from __future__ import annotations

from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from accounts.models import Organization, User
from gitslice.common.audit import current_origin

INSERT = (
    "INSERT INTO accounts_auditevent (organization_id, actor_id, token_id, action, object, detail, address, at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, clock_timestamp())"
)


def write_event(
    *, organization: Organization | None, actor: User | None, action: str, object: str, detail: dict[str, Any]
) -> None:
    origin = current_origin()
    values: list[Any] = [
        organization.pk if organization else None,
        actor.pk if actor else None,
        origin.token_id,
        action,
        object[:300],
        Jsonb(detail),
        origin.address,
    ]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
