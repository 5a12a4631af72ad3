from __future__ import annotations

from collections.abc import Iterable
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
from accounts.idempotency import idempotent_secret
from accounts.models import ApiToken, User
from accounts.scopes import ADMIN, ANY, READ, Scope, every_scope
from accounts.token_limits import limit_of
from accounts.token_slices import slice_names, slices_named
from gitslice.common.errors import InvalidRequest
from gitslice.common.pagination import listing

MOST_SLICES = 100


class NewToken(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(Scope.choices),
        allow_empty=False,
        required=False,
        default=every_scope,
        help_text="default: all, or those of the token that asks",
    )
    slices = serializers.ListField(
        child=serializers.CharField(max_length=129),
        allow_empty=False,
        max_length=MOST_SLICES,
        required=False,
        allow_null=True,
        default=None,
        help_text="as acme/billing; default: not limited",
    )
    expires_in_days = serializers.IntegerField(
        min_value=1, max_value=3650, required=False, allow_null=True, default=None
    )


class TokenListView(APIView):
    """The caller's own tokens that are not revoked; by one that is limited to slices, those that are as narrow."""

    scopes = {"GET": READ, "POST": ADMIN}

    @extend_schema(operation_id="list_tokens", responses=OpenApiTypes.OBJECT, tags=["tokens"])
    def get(self, request: Request) -> Response:
        user = signed_in(request.user)
        tokens = user.api_tokens.filter(revoked_at__isnull=True)
        limit = limit_of(user)
        if limit is not None:
            tokens = tokens.filter(slices__contained_by=limit)
        return Response(listing(token_bodies(tokens, user)))

    @extend_schema(
        operation_id="create_token", request=NewToken, responses={201: OpenApiTypes.OBJECT}, tags=["tokens"]
    )
    def post(self, request: Request) -> Response:
        """The answer has the secret, which is shown this once."""
        user = signed_in(request.user)
        content, wanted = new_token(request)

        def perform() -> tuple[dict[str, Any], str]:
            token, secret = services.create_token(user=user, **wanted)
            return token_bodies([token], user)[0], secret

        return idempotent_secret(request, content, perform)


class TokenView(APIView):
    scopes = {"DELETE": ADMIN}

    @extend_schema(operation_id="revoke_token", responses={204: None}, tags=["tokens"])
    def delete(self, request: Request, token_id: int) -> Response:
        services.revoke_token(actor=signed_in(request.user), token_id=token_id)
        return Response(status=204)


class OwnTokenView(APIView):
    """The token that asks."""

    scopes = {"GET": ANY, "DELETE": ANY}

    @extend_schema(operation_id="get_own_token", responses=OpenApiTypes.OBJECT, tags=["tokens"])
    def get(self, request: Request) -> Response:
        user = signed_in(request.user)
        [body] = token_bodies([_own(request)], user)
        return Response(body)

    @extend_schema(operation_id="revoke_own_token", responses={204: None}, tags=["tokens"])
    def delete(self, request: Request) -> Response:
        services.revoke_token(actor=signed_in(request.user), token_id=_own(request).pk)
        return Response(status=204)


def new_token(request: Request) -> tuple[bytes, dict[str, Any]]:
    """What makes requests for a new token the same, and what this one asks for, as services take it. Raises UnknownSlice
    for one that the caller does not see."""
    user = signed_in(request.user)
    body = NewToken(data=request.data)
    body.is_valid(raise_exception=True)
    wanted = body.validated_data
    days, names = wanted["expires_in_days"], wanted["slices"]
    scopes = user.token.scopes if user.token and "scopes" not in request.data else wanted["scopes"]
    return repr(sorted(wanted.items())).encode(), {
        "name": wanted["name"],
        "scopes": scopes,
        "slices": limit_of(user) if names is None else slices_named(user, names),
        "expires_at": timezone.now() + timedelta(days=days) if days else None,
    }


def token_bodies(tokens: Iterable[ApiToken], reader: User) -> list[dict[str, Any]]:
    tokens = list(tokens)
    names = slice_names(reader, tokens)
    return [
        {
            "id": token.pk,
            "name": token.name,
            "hint": token.hint,
            "scopes": token.scopes,
            "slices": None
            if token.slices is None
            else sorted(names[pk] for pk in token.slices if pk in names),
            "created_at": token.created_at.isoformat(),
            "expires_at": token.expires_at.isoformat() if token.expires_at else None,
            "last_used_at": token.last_used_at.isoformat() if token.last_used_at else None,
        }
        for token in tokens
    ]


def _own(request: Request) -> ApiToken:
    if not isinstance(request.auth, ApiToken):
        raise InvalidRequest("you are signed in by a session, not by a token")
    return request.auth
