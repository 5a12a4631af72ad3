from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.api.access import signed_in
from accounts.models import ApiToken
from gitslice.common.pagination import listing


class NewToken(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    expires_in_days = serializers.IntegerField(
        min_value=1, max_value=3650, required=False, allow_null=True, default=None
    )


class TokenListView(APIView):
    """The caller's own tokens that are not revoked."""

    @extend_schema(operation_id="list_tokens", responses=OpenApiTypes.OBJECT, tags=["tokens"])
    def get(self, request: Request) -> Response:
        tokens = signed_in(request.user).api_tokens.filter(revoked_at__isnull=True)
        return Response(listing(map(token_body, tokens)))

    @extend_schema(
        operation_id="create_token", request=NewToken, responses={201: OpenApiTypes.OBJECT}, tags=["tokens"]
    )
    def post(self, request: Request) -> Response:
        body = NewToken(data=request.data)
        body.is_valid(raise_exception=True)
        days = body.validated_data["expires_in_days"]
        token, secret = services.create_token(
            user=signed_in(request.user),
            name=body.validated_data["name"],
            expires_at=timezone.now() + timedelta(days=days) if days else None,
        )
        return Response(token_body(token) | {"secret": secret}, status=201)


class TokenView(APIView):
    @extend_schema(operation_id="revoke_token", responses={204: None}, tags=["tokens"])
    def delete(self, request: Request, token_id: int) -> Response:
        services.revoke_token(actor=signed_in(request.user), token_id=token_id)
        return Response(status=204)


def token_body(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.pk,
        "name": token.name,
        "hint": token.hint,
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        "last_used_at": token.last_used_at.isoformat() if token.last_used_at else None,
    }
