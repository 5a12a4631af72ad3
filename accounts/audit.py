"""Writes audit events. Registered as the recorder of gitslice.common.audit."""

from __future__ import annotations

from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from accounts.events import ACCESS, announce
from accounts.models import Organization, User
from gitslice.common.audit import Origin, current_origin

INSERT = (
    "INSERT INTO accounts_auditevent (organization_id, actor_id, token_id, action, object, detail, address, at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, clock_timestamp())"
)


# Who remembers what people may see asks again after one of these.
CHANGES_ACCESS = {
    "member.add",
    "member.change",
    "member.remove",
    "team.create",
    "team.change",
    "team.delete",
    "token.revoke",
    "slice.create",
    "slice.edit",
    "slice.roles",
    "sso.switch",
    "user.deactivate",
    "admin.add",
    "admin.change",
    "admin.delete",
}


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
        Jsonb(detail | _support(origin)),
        origin.address,
    ]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
    if action in CHANGES_ACCESS:
        announce(organization_id=organization.pk if organization else None, kind=ACCESS)


def _support(origin: Origin) -> dict[str, str]:
    return {"impersonated_by": origin.impersonated_by} if origin.impersonated_by else {}
