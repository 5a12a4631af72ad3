"""What a webhook has sent and is to send."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import signed_in
from accounts.api.webhooks import administered_webhook
from accounts.errors import DeliveryNotFound
from accounts.idempotency import idempotent
from accounts.models import WebhookDelivery
from accounts.scopes import ADMIN, READ
from accounts.webhooks import services
from gitslice.common.errors import InvalidRequest
from gitslice.common.pagination import Page, listing, whole_key

STATES = tuple(map(str, WebhookDelivery.State.values))


class DeliveryListView(APIView):
    """The log, newest first; `?state=` is `pending`, `delivered` or `failed`."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="list_deliveries",
        parameters=[OpenApiParameter("state", description="pending, delivered or failed")],
        responses=OpenApiTypes.OBJECT,
        tags=["webhooks"],
    )
    def get(self, request: Request, org: str, webhook_id: int) -> Response:
        rows = administered_webhook(request, org, webhook_id).deliveries.order_by("-pk")
        page = Page(request.query_params)
        if state := request.query_params.get("state"):
            if state not in STATES:
                raise InvalidRequest(f"state is one of {', '.join(STATES)}")
            rows = rows.filter(state=state)
        if page.after is not None:
            rows = rows.filter(pk__lt=whole_key(page.after))
        shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda delivery: delivery.pk)
        return Response(listing(map(delivery_body, shown), cursor))


class PingView(APIView):
    scopes = {"POST": ADMIN}

    @extend_schema(
        operation_id="ping_webhook", request=None, responses={202: OpenApiTypes.OBJECT}, tags=["webhooks"]
    )
    def post(self, request: Request, org: str, webhook_id: int) -> Response:
        """Send a delivery of type `ping`; what comes of it is in the log."""
        webhook = administered_webhook(request, org, webhook_id)

        def perform() -> tuple[int, dict[str, Any]]:
            delivery = services.ping_webhook(actor=signed_in(request.user), webhook=webhook)
            return 202, delivery_body(delivery)

        return idempotent(request, b"", perform)


class RedeliverView(APIView):
    scopes = {"POST": ADMIN}

    @extend_schema(
        operation_id="redeliver", request=None, responses={202: OpenApiTypes.OBJECT}, tags=["webhooks"]
    )
    def post(self, request: Request, org: str, webhook_id: int, delivery_id: UUID) -> Response:
        """Try a delivery anew, whatever came of it; it keeps its id."""
        webhook = administered_webhook(request, org, webhook_id)
        delivery = webhook.deliveries.filter(uuid=delivery_id).first()
        if delivery is None:
            raise DeliveryNotFound(f"webhook {webhook_id} has no delivery {delivery_id}")
        delivery.webhook = webhook

        def perform() -> tuple[int, dict[str, Any]]:
            return 202, delivery_body(services.redeliver(actor=signed_in(request.user), delivery=delivery))

        return idempotent(request, b"", perform)


def delivery_body(delivery: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": str(delivery.uuid),
        "type": delivery.kind,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "next_at": delivery.next_at.isoformat() if delivery.next_at else None,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "last_response": delivery.last_response,
        "created_at": delivery.created_at.isoformat(),
        "delivered_at": delivery.delivered_at.isoformat() if delivery.delivered_at else None,
        "body": delivery.body,
    }
