"""`/api/v1/webhooks/ORG/`: for owners and admins of the organization."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import administered_organization, signed_in
from accounts.errors import WebhookNotFound
from accounts.idempotency import idempotent
from accounts.models import Organization, Webhook
from accounts.scopes import ADMIN, READ
from accounts.webhooks import services
from accounts.webhooks.models import Topic
from gitslice.common.pagination import Page, listing, whole_key
from gitslice.common.secrets import seal, unseal


class NewWebhook(serializers.Serializer[Any]):
    url = serializers.CharField(max_length=2000)
    topics = serializers.ListField(child=serializers.ChoiceField(Topic.choices), allow_empty=False)
    active = serializers.BooleanField(required=False, default=True)


class WebhookChange(serializers.Serializer[Any]):
    url = serializers.CharField(max_length=2000, required=False)
    topics = serializers.ListField(
        child=serializers.ChoiceField(Topic.choices), allow_empty=False, required=False
    )
    active = serializers.BooleanField(required=False)


class WebhookListView(APIView):
    scopes = {"GET": READ, "POST": ADMIN}

    @extend_schema(operation_id="list_webhooks", responses=OpenApiTypes.OBJECT, tags=["webhooks"])
    def get(self, request: Request, org: str) -> Response:
        organization = administered_organization(request.user, org)
        page = Page(request.query_params)
        rows = organization.webhooks.select_related("created_by").order_by("pk")
        if page.after is not None:
            rows = rows.filter(pk__gt=whole_key(page.after))
        shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda webhook: webhook.pk)
        return Response(listing(map(webhook_body, shown), cursor))

    @extend_schema(
        operation_id="create_webhook",
        request=NewWebhook,
        responses={201: OpenApiTypes.OBJECT},
        tags=["webhooks"],
    )
    def post(self, request: Request, org: str) -> Response:
        """The answer has the secret, which is shown this once."""
        organization = administered_organization(request.user, org)
        body = NewWebhook(data=request.data)
        body.is_valid(raise_exception=True)

        def perform() -> tuple[int, dict[str, Any]]:
            made = services.create_webhook(
                actor=signed_in(request.user), organization=organization, **body.validated_data
            )
            return 201, _sealed_body(*made)

        return _unsealed(idempotent(request, repr(sorted(body.validated_data.items())).encode(), perform))


class WebhookView(APIView):
    scopes = {"GET": READ, "PATCH": ADMIN, "DELETE": ADMIN}

    @extend_schema(operation_id="get_webhook", responses=OpenApiTypes.OBJECT, tags=["webhooks"])
    def get(self, request: Request, org: str, webhook_id: int) -> Response:
        return Response(webhook_body(administered_webhook(request, org, webhook_id)))

    @extend_schema(
        operation_id="change_webhook",
        request=WebhookChange,
        responses=OpenApiTypes.OBJECT,
        tags=["webhooks"],
    )
    def patch(self, request: Request, org: str, webhook_id: int) -> Response:
        webhook = administered_webhook(request, org, webhook_id)
        body = WebhookChange(data=request.data)
        body.is_valid(raise_exception=True)
        changed = services.change_webhook(
            actor=signed_in(request.user), webhook=webhook, **body.validated_data
        )
        return Response(webhook_body(changed))

    @extend_schema(operation_id="delete_webhook", responses={204: None}, tags=["webhooks"])
    def delete(self, request: Request, org: str, webhook_id: int) -> Response:
        webhook = administered_webhook(request, org, webhook_id)
        services.delete_webhook(actor=signed_in(request.user), webhook=webhook)
        return Response(status=204)


class RotateView(APIView):
    scopes = {"POST": ADMIN}

    @extend_schema(
        operation_id="rotate_webhook_secret", request=None, responses=OpenApiTypes.OBJECT, tags=["webhooks"]
    )
    def post(self, request: Request, org: str, webhook_id: int) -> Response:
        """The answer has the new secret, which is shown this once. For a day the old one signs too."""
        webhook = administered_webhook(request, org, webhook_id)

        def perform() -> tuple[int, dict[str, Any]]:
            made = services.rotate_secret(actor=signed_in(request.user), webhook=webhook)
            return 200, _sealed_body(*made)

        return _unsealed(idempotent(request, b"", perform))


def administered_webhook(request: Request, org: str, webhook_id: int) -> Webhook:
    """The webhook if the caller may see it. Raises as administered_organization, WebhookNotFound."""
    organization = administered_organization(request.user, org)
    webhook = _of(organization).filter(pk=webhook_id).first()
    if webhook is None:
        raise WebhookNotFound(f"{org} has no webhook {webhook_id}")
    return webhook


def webhook_body(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.pk,
        "url": webhook.url,
        "topics": webhook.topics,
        "active": webhook.active,
        "created_by": webhook.created_by.username if webhook.created_by else None,
        "created_at": webhook.created_at.isoformat(),
    }


def _of(organization: Organization) -> Any:
    return organization.webhooks.select_related("organization", "created_by")


def _sealed_body(webhook: Webhook, secret: str) -> dict[str, Any]:
    """The answer as it is kept for the same request sent again: the database holds no secret in clear."""
    return webhook_body(webhook) | {"secret": seal(secret)}


def _unsealed(response: Response) -> Response:
    response.data["secret"] = unseal(response.data["secret"])
    return response
