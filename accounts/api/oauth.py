"""`/api/v1/oauth/`: the OAuth 2.0 device authorization grant (RFC 8628), in the forms and errors that it prescribes."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any

from django.conf import settings
from django.http import QueryDict
from django.urls import reverse
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.devices import errors
from accounts.devices.services import CLIENTS, LIFETIME, begin_grant, redeem_grant
from accounts.scopes import every_scope
from gitslice.common.audit import current_origin
from gitslice.common.rendering import read_limited

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
NO_STORE = {"Cache-Control": "no-store"}
MOST_LETTERS = 100
MOST_BYTES = 1 << 14


class FormParser(BaseParser):
    media_type = "application/x-www-form-urlencoded"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None
    ) -> QueryDict:
        return QueryDict(read_limited(stream, MOST_BYTES))


class DeviceQuestion(serializers.Serializer[Any]):
    client_id = serializers.ChoiceField(list(CLIENTS))
    scope = serializers.CharField(required=False, help_text="separated by blanks; default: all")
    device_name = serializers.CharField(required=False, help_text="what people know the machine by")


class TokenQuestion(serializers.Serializer[Any]):
    grant_type = serializers.ChoiceField([DEVICE_CODE])
    device_code = serializers.CharField()
    client_id = serializers.ChoiceField(list(CLIENTS))


class OAuthView(APIView):
    """For programs that have no token yet. Nobody's session counts here."""

    authentication_classes = []
    permission_classes = [AllowAny]
    parser_classes = [FormParser]

    def answer(self, perform: Callable[[], dict[str, Any]]) -> Response:
        try:
            return Response(perform(), headers=NO_STORE)
        except errors.OAuthError as error:
            return _refusal(error)
        except APIException as error:  # a body that is no form
            return _refusal(errors.OAuthError(str(error.detail)))


class DeviceAuthorizationView(OAuthView):
    @extend_schema(
        operation_id="authorize_device",
        request={"application/x-www-form-urlencoded": DeviceQuestion},
        responses={200: OpenApiTypes.OBJECT, 400: OpenApiTypes.OBJECT, 401: OpenApiTypes.OBJECT},
        auth=[],
        tags=["tokens"],
    )
    def post(self, request: Request) -> Response:
        """Both codes, and where a person types theirs."""
        return self.answer(lambda: _begun(request))


class DeviceTokenView(OAuthView):
    @extend_schema(
        operation_id="get_device_token",
        request={"application/x-www-form-urlencoded": TokenQuestion},
        responses={200: OpenApiTypes.OBJECT, 400: OpenApiTypes.OBJECT, 401: OpenApiTypes.OBJECT},
        auth=[],
        tags=["tokens"],
    )
    def post(self, request: Request) -> Response:
        """The token, once somebody has allowed it; till then 400 with `error` (RFC 8628, 3.5)."""
        return self.answer(lambda: _redeemed(request))


def _begun(request: Request) -> dict[str, Any]:
    begun = begin_grant(
        client=_client(request),
        device_name=_printable(_field(request, "device_name", required=False))[:MOST_LETTERS],
        address=current_origin().address,
        scopes=_scopes(_field(request, "scope", required=False)),
    )
    page = settings.GITSLICE_PUBLIC_URL.rstrip("/") + reverse("device")
    return {
        "device_code": begun.device_code,
        "user_code": begun.user_code,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={begun.user_code}",
        "expires_in": int(LIFETIME.total_seconds()),
        "interval": begun.grant.interval,
    }


def _redeemed(request: Request) -> dict[str, Any]:
    if _field(request, "grant_type") != DEVICE_CODE:
        raise errors.UnsupportedGrantType(f"grant_type must be {DEVICE_CODE}")
    token, secret = redeem_grant(client=_client(request), device_code=_field(request, "device_code"))
    lifetime = token.expires_at - token.created_at if token.expires_at else None
    expiry = {"expires_in": round(lifetime.total_seconds())} if lifetime else {}
    return {"access_token": secret, "token_type": "Bearer", "scope": " ".join(token.scopes)} | expiry


def _client(request: Request) -> str:
    client = _field(request, "client_id")
    if client not in CLIENTS:
        raise errors.InvalidClient(f"the client {client[:40]!r} is not known here")
    return client


def _scopes(text: str) -> list[str]:
    wanted = text.split() or every_scope()
    unknown = [scope for scope in wanted if scope not in every_scope()]
    if unknown:
        raise errors.InvalidScope(f"scopes are {', '.join(every_scope())}")
    return [scope for scope in every_scope() if scope in wanted]


def _field(request: Request, name: str, *, required: bool = True) -> str:
    """A parameter, which RFC 6749, 3.2 wants at most once; one that is empty counts as left out."""
    data: Any = request.data  # a QueryDict, or a plain dict for who sends nothing
    values = data.getlist(name) if data else []
    if len(values) > 1:
        raise errors.OAuthError(f"{name} is given twice")
    value = values[0] if values else ""
    if required and not value:
        raise errors.OAuthError(f"{name} is missing")
    return value


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()


def _refusal(error: errors.OAuthError) -> Response:
    body = {"error": error.code, "error_description": str(error)}
    return Response(body, status=error.status, headers=NO_STORE)
