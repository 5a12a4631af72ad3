"""`orgs/ORG/scim-tokens/`: what the organization's directory signs in with. For owners and admins."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import administered_organization, signed_in
from accounts.models import ScimToken
from accounts.scim import tokens
from accounts.scopes import ADMIN, READ
from gitslice.common.pagination import Page, listing, whole_key


class NewScimToken(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)


class ScimTokenListView(APIView):
    scopes = {"GET": READ, "POST": ADMIN}

    @extend_schema(operation_id="list_scim_tokens", responses=OpenApiTypes.OBJECT, tags=["orgs"])
    def get(self, request: Request, org: str) -> Response:
        """Those that are not revoked."""
        page = Page(request.query_params)
        rows = tokens.live_tokens(administered_organization(request.user, org))
        if page.after is not None:
            rows = rows.filter(pk__gt=whole_key(page.after))
        shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda token: token.pk)
        return Response(listing(map(scim_token_body, shown), cursor))

    @extend_schema(
        operation_id="create_scim_token",
        request=NewScimToken,
        responses={201: OpenApiTypes.OBJECT},
        tags=["orgs"],
    )
    def post(self, request: Request, org: str) -> Response:
        """The answer has the secret, which is shown this once."""
        organization = administered_organization(request.user, org)
        body = NewScimToken(data=request.data)
        body.is_valid(raise_exception=True)
        token, secret = tokens.create_scim_token(
            actor=signed_in(request.user), organization=organization, name=body.validated_data["name"]
        )
        return Response(scim_token_body(token) | {"secret": secret}, status=201)


class ScimTokenView(APIView):
    scopes = {"DELETE": ADMIN}

    @extend_schema(operation_id="revoke_scim_token", responses={204: None}, tags=["orgs"])
    def delete(self, request: Request, org: str, token_id: int) -> Response:
        organization = administered_organization(request.user, org)
        tokens.revoke_scim_token(actor=signed_in(request.user), organization=organization, token_id=token_id)
        return Response(status=204)


def scim_token_body(token: ScimToken) -> dict[str, Any]:
    """Wants `created_by` loaded."""
    return {
        "id": token.pk,
        "name": token.name,
        "hint": token.hint,
        "created_by": token.created_by.username if token.created_by else None,
        "created_at": token.created_at.isoformat(),
        "last_used_at": token.last_used_at.isoformat() if token.last_used_at else None,
    }
