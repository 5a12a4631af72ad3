"""How the API's description names our way of signing in."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from accounts.permissions import needed_scope


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API token: gst_..."}

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        """With the scope that the token needs."""
        needed = needed_scope(auto_schema.view, auto_schema.method)
        return {self.name: [str(needed)] if needed else []}
