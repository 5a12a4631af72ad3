"""`/api/v1/orgs/ORG/service-accounts/`: for owners and admins of the organization."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import administered_organization, signed_in
from accounts.api.tokens import NewToken, new_token, token_bodies
from accounts.idempotency import idempotent, idempotent_secret
from accounts.machines import services
from accounts.models import User
from accounts.scopes import ADMIN, READ
from gitslice.common.pagination import Page, listing, text_key


class NewServiceAccount(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=64)


class ServiceAccountListView(APIView):
    scopes = {"GET": READ, "POST": ADMIN}

    @extend_schema(operation_id="list_service_accounts", responses=OpenApiTypes.OBJECT, tags=["orgs"])
    def get(self, request: Request, org: str) -> Response:
        organization = administered_organization(request.user, org)
        page = Page(request.query_params)
        rows = organization.service_accounts.order_by("username")
        if page.after is not None:
            rows = rows.filter(username__gt=text_key(page.after))
        shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda account: account.username)
        return Response(listing(map(account_body, shown), cursor))

    @extend_schema(
        operation_id="create_service_account",
        request=NewServiceAccount,
        responses={201: OpenApiTypes.OBJECT},
        tags=["orgs"],
    )
    def post(self, request: Request, org: str) -> Response:
        organization = administered_organization(request.user, org)
        body = NewServiceAccount(data=request.data)
        body.is_valid(raise_exception=True)
        name = body.validated_data["name"]

        def perform() -> tuple[int, dict[str, Any]]:
            account = services.create_service_account(
                actor=signed_in(request.user), organization=organization, name=name
            )
            return 201, account_body(account)

        return idempotent(request, name.encode(), perform)


class ServiceAccountView(APIView):
    scopes = {"GET": READ, "DELETE": ADMIN}

    @extend_schema(operation_id="get_service_account", responses=OpenApiTypes.OBJECT, tags=["orgs"])
    def get(self, request: Request, org: str, name: str) -> Response:
        organization = administered_organization(request.user, org)
        return Response(account_body(services.find_service_account(organization, name)))

    @extend_schema(operation_id="deactivate_service_account", responses={204: None}, tags=["orgs"])
    def delete(self, request: Request, org: str, name: str) -> Response:
        """Deactivate it and revoke its tokens. It stays in lists, and what it did keeps its name."""
        organization = administered_organization(request.user, org)
        account = services.find_service_account(organization, name)
        services.deactivate_service_account(
            actor=signed_in(request.user), organization=organization, account=account
        )
        return Response(status=204)


class AccountTokenListView(APIView):
    scopes = {"GET": READ, "POST": ADMIN}

    @extend_schema(operation_id="list_service_account_tokens", responses=OpenApiTypes.OBJECT, tags=["tokens"])
    def get(self, request: Request, org: str, name: str) -> Response:
        organization = administered_organization(request.user, org)
        account = services.find_service_account(organization, name)
        tokens = account.api_tokens.filter(revoked_at=None)
        return Response(listing(token_bodies(tokens, signed_in(request.user))))

    @extend_schema(
        operation_id="create_service_account_token",
        request=NewToken,
        responses={201: OpenApiTypes.OBJECT},
        tags=["tokens"],
    )
    def post(self, request: Request, org: str, name: str) -> Response:
        """The answer has the secret, which is shown this once."""
        organization = administered_organization(request.user, org)
        actor = signed_in(request.user)
        account = services.find_service_account(organization, name)
        content, wanted = new_token(request)

        def perform() -> tuple[dict[str, Any], str]:
            token, secret = services.create_account_token(
                actor=actor, organization=organization, account=account, **wanted
            )
            return token_bodies([token], actor)[0], secret

        return idempotent_secret(request, content, perform)


class AccountTokenView(APIView):
    scopes = {"DELETE": ADMIN}

    @extend_schema(operation_id="revoke_service_account_token", responses={204: None}, tags=["tokens"])
    def delete(self, request: Request, org: str, name: str, token_id: int) -> Response:
        organization = administered_organization(request.user, org)
        services.revoke_account_token(
            actor=signed_in(request.user),
            organization=organization,
            account=services.find_service_account(organization, name),
            token_id=token_id,
        )
        return Response(status=204)


def account_body(account: User) -> dict[str, Any]:
    return {
        "name": services.name_of(account),
        "user": account.username,
        "active": account.is_active,
        "created_at": account.date_joined.isoformat(),
    }
