"""Webhooks of an organization, with the log of what was sent, for its owners and admins."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.api.access import signed_in
from accounts.errors import DeliveryNotFound, WebhookNotFound
from accounts.models import Organization, Webhook
from accounts.views.frame import field, framed, managed_organization
from accounts.webhooks import services
from accounts.webhooks.models import Topic
from gitslice.common.errors import DomainError, InvalidRequest
from gitslice.common.pages import performed
from gitslice.common.pagination import Page, whole_key

MOST_URL = 2_000  # characters


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhooks(request: HttpRequest, org: str) -> HttpResponse:
    """All of them, and making one, which shows its secret, this once."""
    organization = managed_organization(request, org)
    context: dict[str, Any] = {"form": {"url": "", "topics": [Topic.LANDING.value]}, "topics": Topic.values}
    status = 200
    if request.method == "POST":
        context["form"] = {"url": field(request, "url"), "topics": request.POST.getlist("topics")}
        try:
            made = services.create_webhook(
                actor=signed_in(request.user), organization=organization, **_wanted(request)
            )
            return _shown(request, organization, made[0], secret=made[1])
        except DomainError as error:
            context["error"], status = error, error.status
    page = Page(request.GET)
    rows = organization.webhooks.order_by("pk")
    if page.after is not None:
        rows = rows.filter(pk__gt=whole_key(page.after))
    shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda webhook: webhook.pk)
    context |= {"webhooks": shown, "next_cursor": cursor}
    return render(
        request,
        "accounts/webhooks.html",
        framed(request, organization, "webhooks", **context),
        status=status,
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: HttpRequest, org: str, webhook_id: int) -> HttpResponse:
    """One, with its log; changing it."""
    organization, row = _managed(request, org, webhook_id)
    if request.method != "POST":
        return _shown(request, organization, row)

    def mutate() -> str:
        active = request.POST.get("active") == "1"
        services.change_webhook(actor=signed_in(request.user), webhook=row, active=active, **_wanted(request))
        return "The webhook is changed."

    return performed(request, _page(org, row), mutate)


@never_cache
@require_POST
def rotate(request: HttpRequest, org: str, webhook_id: int) -> HttpResponse:
    """A new secret, shown this once."""
    organization, row = _managed(request, org, webhook_id)
    row, secret = services.rotate_secret(actor=signed_in(request.user), webhook=row)
    return _shown(request, organization, row, secret=secret)


@require_POST
def delete(request: HttpRequest, org: str, webhook_id: int) -> HttpResponse:
    _, row = _managed(request, org, webhook_id)

    def mutate() -> str:
        services.delete_webhook(actor=signed_in(request.user), webhook=row)
        return "The webhook is gone."

    return performed(request, reverse("people:webhooks", args=[org]), mutate)


@require_POST
def ping(request: HttpRequest, org: str, webhook_id: int) -> HttpResponse:
    _, row = _managed(request, org, webhook_id)

    def mutate() -> str:
        services.ping_webhook(actor=signed_in(request.user), webhook=row)
        return "A test is on its way: what comes of it is in the log."

    return performed(request, f"{_page(org, row)}#log", mutate)


@require_POST
def redeliver(request: HttpRequest, org: str, webhook_id: int, delivery_id: UUID) -> HttpResponse:
    _, row = _managed(request, org, webhook_id)
    delivery = row.deliveries.filter(uuid=delivery_id).first()
    if delivery is None:
        raise DeliveryNotFound(f"webhook {webhook_id} has no delivery {delivery_id}")
    delivery.webhook = row

    def mutate() -> str:
        services.redeliver(actor=signed_in(request.user), delivery=delivery)
        return "It is sent again."

    return performed(request, f"{_page(org, row)}#log", mutate)


def _managed(request: HttpRequest, org: str, webhook_id: int) -> tuple[Organization, Webhook]:
    organization = managed_organization(request, org)
    found = organization.webhooks.filter(pk=whole_key(webhook_id)).first()
    if found is None:
        raise WebhookNotFound(f"there is no webhook {webhook_id} in {org}")
    return organization, found


def _wanted(request: HttpRequest) -> dict[str, Any]:
    """What the form asks for. Raises InvalidRequest."""
    url, topics = field(request, "url"), request.POST.getlist("topics")
    if not 0 < len(url) <= MOST_URL:
        raise InvalidRequest(f"an address has 1 to {MOST_URL} characters")
    if not topics or not set(topics).issubset(Topic.values):
        raise InvalidRequest(f"choose what it hears of: {', '.join(Topic.values)}")
    return {"url": url, "topics": topics}


def _shown(request: HttpRequest, organization: Organization, row: Webhook, secret: str = "") -> HttpResponse:
    page = Page(request.GET)
    rows = row.deliveries.order_by("-pk")
    if page.after is not None:
        rows = rows.filter(pk__lt=whole_key(page.after))
    shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda delivery: delivery.pk)
    context = {"webhook": row, "deliveries": shown, "next_cursor": cursor, "secret": secret}
    context |= {"topics": Topic.values, "form": {"url": row.url, "topics": row.topics}}
    return render(request, "accounts/webhook.html", framed(request, organization, "webhooks", **context))


def _page(org: str, row: Webhook) -> str:
    return reverse("people:webhook", args=[org, row.pk])
