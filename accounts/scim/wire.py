"""What SCIM's bodies look like: resources, lists, errors, and the media type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings

from accounts.models import ScimUser, Team
from accounts.scim.users import is_active
from gitslice.common.errors import DomainError
from gitslice.common.rendering import ORJSONParser, ORJSONRenderer

MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"
CORE = "urn:ietf:params:scim:schemas:core:2.0:"
USER, GROUP = f"{CORE}User", f"{CORE}Group"
ALWAYS = {"id", "schemas", "meta"}

SCIM_TYPES = {"name_taken": "uniqueness", "last_owner": "mutability", "invalid_request": "invalidValue"}


class ScimRenderer(ORJSONRenderer):
    media_type = "application/scim+json"
    format = "scim"


class ScimParser(ORJSONParser):
    media_type = "application/scim+json"


def error_body(error: DomainError) -> dict[str, Any]:
    body = {"schemas": [f"{MESSAGES}Error"], "status": str(error.status), "detail": str(error)}
    kind = getattr(error, "scim_type", SCIM_TYPES.get(error.code))
    return body | {"scimType": kind} if kind else body


def list_body(resources: Sequence[dict[str, Any]], total: int, start: int = 1) -> dict[str, Any]:
    return {
        "schemas": [f"{MESSAGES}ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }


def user_body(org: str, record: ScimUser, teams: Iterable[Team]) -> dict[str, Any]:
    """Of one of `find_users`, with the teams that the user is in. It says of the account nothing but what the directory
    has told itself."""
    told = record.attributes
    name = {part: told[part] for part in ("givenName", "familyName") if part in told}
    formatted = " ".join(name.values())
    body = {
        "schemas": [USER],
        "id": str(record.pk),
        "externalId": record.external_id or None,
        "userName": record.user_name,
        "name": name | {"formatted": formatted} if formatted else None,
        "displayName": told.get("displayName") or formatted or record.user_name,
        "emails": [{"value": told["email"], "type": "work", "primary": True}] if "email" in told else None,
        "active": is_active(record),
        "groups": [
            {
                "value": str(team.pk),
                "display": team.name,
                "type": "direct",
                "$ref": location(org, "Groups", team.pk),
            }
            for team in teams
        ],
        "meta": _meta("User", record, location(org, "Users", record.pk)),
    }
    return {name: value for name, value in body.items() if value is not None}


def group_body(org: str, team: Team, members: Iterable[ScimUser]) -> dict[str, Any]:
    """Of one of `find_groups`."""
    known = getattr(team, "scim_group", None)
    body = {
        "schemas": [GROUP],
        "id": str(team.pk),
        "externalId": (known.external_id if known else "") or None,
        "displayName": team.name,
        "members": [
            {
                "value": str(member.pk),
                "display": member.user_name,
                "type": "User",
                "$ref": location(org, "Users", member.pk),
            }
            for member in members
        ],
        "meta": _meta("Group", known, location(org, "Groups", team.pk)),
    }
    return {name: value for name, value in body.items() if value is not None}


def chosen(body: dict[str, Any], attributes: str, excluded: str) -> dict[str, Any]:
    """Only what `attributes` or `excludedAttributes` leave of a resource."""
    if attributes:
        wanted = {name.partition(".")[0].lower() for name in attributes.replace(" ", "").split(",")} | ALWAYS
        return {name: value for name, value in body.items() if name.lower() in wanted or name in ALWAYS}
    dropped = set(excluded.replace(" ", "").lower().split(",")) if excluded else set()
    return {name: value for name, value in body.items() if name in ALWAYS or name.lower() not in dropped}


def location(org: str, kind: str, pk: int | str) -> str:
    return f"{settings.GITSLICE_PUBLIC_URL}/scim/v2/{org}/{kind}/{pk}"


def _meta(kind: str, record: Any, address: str) -> dict[str, str]:
    meta = {"resourceType": kind, "location": address}
    if record is not None:
        meta |= {"created": record.created_at.isoformat(), "lastModified": record.updated_at.isoformat()}
    return meta
