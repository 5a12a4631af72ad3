"""Where the scopes of API tokens are enforced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.errors import InsufficientScope
from accounts.models import ApiToken
from accounts.scopes import ANY, Scope

if TYPE_CHECKING:
    from rest_framework.views import APIView


class ScopePermission(BasePermission):
    """The default of all API views: `scopes` of the view names what each of its methods needs of a token. A method that
    says nothing is closed to tokens. Who may do what else is up to the services."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        token = request.auth
        if not isinstance(token, ApiToken) or not hasattr(view, (request.method or "").lower()):
            return True  # a session, or a method that nobody answers to
        needed = needed_scope(view, request.method or "")
        if needed is not ANY and needed not in token.scopes:
            raise InsufficientScope(
                f"the token {token.name!r} has not the scope {needed}", scope=needed, scopes=token.scopes
            )
        return True


def needed_scope(view: APIView | type[APIView], method: str) -> Scope | str | None:
    """The scope that a token needs for the method; ANY if every token will do."""
    if method == "OPTIONS":
        return ANY
    declared: dict[str, Scope | None] = getattr(view, "scopes", {})
    return declared.get("GET" if method == "HEAD" else method, "of a method that is for browsers")
