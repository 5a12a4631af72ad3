"""The API's description: what every operation has, and the readable page."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from gitslice.common.pages import DRAWN_POLICY
from gitslice_core.errors import CODES

PROBLEM = "Problem"


def describe_failures(result: dict[str, Any], **options: Any) -> dict[str, Any]:
    """A hook of drf-spectacular: whatever an operation does not describe is a problem document (RFC 9457)."""
    text = {"type": "string"}
    result["components"]["schemas"][PROBLEM] = {
        "type": "object",
        "description": "A failure, as of RFC 9457. What a program decides by is `code`.",
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "code": {"type": "string", "enum": [name for name, code in CODES.items() if code.status]},
            "hint": {"type": ["string", "null"]},
            "details": {"type": "object", "additionalProperties": {}},
        },
        "required": ["type", "title", "status", "detail", "code", "hint", "details"],
    }
    content = {"application/problem+json": {"schema": {"$ref": f"#/components/schemas/{PROBLEM}"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = {"description": "A failure", "content": content}
    return result


class ApiDocsView(SpectacularSwaggerSplitView):
    @extend_schema(exclude=True)
    def get(self, request: Request, *arguments: Any, **options: Any) -> Response:
        response = super().get(request, *arguments, **options)
        response["Content-Security-Policy"] = DRAWN_POLICY
        return response
