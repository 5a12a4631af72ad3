"""What a directory asks first: what is supported, and what users and groups look like (RFC 7643, sections 5 to 7)."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scim.errors import ResourceNotFound
from accounts.scim.views import MAX_COUNT, ScimView
from accounts.scim.wire import CORE, GROUP, USER, list_body, location


class ServiceProviderConfigView(ScimView):
    def get(self, request: Request, org: str) -> Response:
        off = {"supported": False}
        return Response(
            {
                "schemas": [f"{CORE}ServiceProviderConfig"],
                "patch": {"supported": True},
                "bulk": off | {"maxOperations": 0, "maxPayloadSize": 0},
                "filter": {"supported": True, "maxResults": MAX_COUNT},
                "changePassword": off,
                "sort": off,
                "etag": off,
                "authenticationSchemes": [
                    {
                        "type": "oauthbearertoken",
                        "name": "Bearer token",
                        "description": "A token that an owner or admin makes on the organization's settings page",
                        "primary": True,
                    }
                ],
                "meta": {
                    "resourceType": "ServiceProviderConfig",
                    "location": location(org, "ServiceProviderConfig", "").rstrip("/"),
                },
            }
        )


class ResourceTypesView(ScimView):
    def get(self, request: Request, org: str) -> Response:
        types = [_resource_type(org, name) for name in ("User", "Group")]
        return Response(list_body(types, len(types)))


class ResourceTypeView(ScimView):
    def get(self, request: Request, org: str, name: str) -> Response:
        if name not in ("User", "Group"):
            raise ResourceNotFound(f"there is no resource type {name[:64]}")
        return Response(_resource_type(org, name))


class SchemasView(ScimView):
    def get(self, request: Request, org: str) -> Response:
        return Response(list_body([_schema(org, name) for name in SCHEMAS], len(SCHEMAS)))


class SchemaView(ScimView):
    def get(self, request: Request, org: str, name: str) -> Response:
        if name not in SCHEMAS:
            raise ResourceNotFound(f"there is no schema {name[:100]}")
        return Response(_schema(org, name))


def _resource_type(org: str, name: str) -> dict[str, Any]:
    return {
        "schemas": [f"{CORE}ResourceType"],
        "id": name,
        "name": name,
        "endpoint": f"/{name}s",
        "schema": f"{CORE}{name}",
        "meta": {"resourceType": "ResourceType", "location": location(org, "ResourceTypes", name)},
    }


def _schema(org: str, name: str) -> dict[str, Any]:
    title, attributes = SCHEMAS[name]
    return {
        "schemas": [f"{CORE}Schema"],
        "id": name,
        "name": title,
        "attributes": attributes,
        "meta": {"resourceType": "Schema", "location": location(org, "Schemas", name)},
    }


def _attribute(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    facts = {
        "name": name,
        "type": kind,
        "multiValued": False,
        "required": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    }
    if kind == "string":
        facts["caseExact"] = False
    return facts | more


VALUE = _attribute("value")
SCHEMAS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    USER: (
        "User",
        [
            _attribute("userName", required=True, uniqueness="server"),
            _attribute("externalId", caseExact=True),
            _attribute(
                "name",
                "complex",
                subAttributes=[
                    _attribute("givenName"),
                    _attribute("familyName"),
                    _attribute("formatted", mutability="readOnly"),
                ],
            ),
            _attribute("displayName"),
            _attribute(
                "emails",
                "complex",
                multiValued=True,
                subAttributes=[VALUE, _attribute("type"), _attribute("primary", "boolean")],
            ),
            _attribute("active", "boolean"),
            _attribute(
                "groups",
                "complex",
                multiValued=True,
                mutability="readOnly",
                subAttributes=[VALUE, _attribute("display"), _attribute("type")],
            ),
        ],
    ),
    GROUP: (
        "Group",
        [
            _attribute("displayName", required=True, uniqueness="server"),
            _attribute("externalId", caseExact=True),
            _attribute(
                "members",
                "complex",
                multiValued=True,
                subAttributes=[VALUE, _attribute("display", mutability="readOnly"), _attribute("type")],
            ),
        ],
    ),
}
