"""The pages of webhooks: made, looked at, changed and ended without a program."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import Webhook, WebhookDelivery
from tests.pages import Pages, text_of
from tests.world import World

pytestmark = pytest.mark.django_db

URL = "https://93.184.216.34/hear"
LIST = "/acme/webhooks/"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def pages(world):
    return Pages(world.owner)


@pytest.fixture
def webhook(pages):
    pages.post(LIST, url=URL, topics=["landing"])
    return Webhook.objects.get()


def test_one_is_made_and_its_secret_is_shown_once(pages):
    assert "No webhooks yet" in pages.get(LIST)
    assert "whsec_" in pages.post(LIST, url=URL, topics=["landing", "conflict"])
    made = Webhook.objects.get()
    assert made.topics == ["conflict", "landing"]
    assert URL in pages.get(LIST)
    assert "whsec_" not in pages.get(f"{LIST}{made.pk}/")


@pytest.mark.parametrize(
    "form", [{"url": "nothing"}, {"url": URL, "topics": ["weather"]}, {"topics": ["landing"]}]
)
def test_what_is_wrong_is_said_beside_what_was_typed(pages, form):
    response = pages.client.post(LIST, form)
    assert 400 <= response.status_code < 500
    assert "alert" in response.content.decode()
    assert form.get("url", "") in response.content.decode()
    assert not Webhook.objects.exists()


def test_it_is_changed_tested_and_ended(pages, webhook):
    page = f"{LIST}{webhook.pk}/"
    assert "Nothing yet" in pages.get(page)
    assert "ping pending" in text_of(pages.post(f"{page}ping/"))
    assert "whsec_" in pages.post(f"{page}rotate/")
    pages.post(page, url=f"{URL}/2", topics=["global"])
    webhook.refresh_from_db()
    assert (webhook.url, webhook.topics, webhook.active) == (f"{URL}/2", ["global"], False)
    assert "Send a test" not in pages.get(page)
    assert "The webhook is gone" in pages.post(f"{page}delete/")
    assert pages.status(page) == 404


def test_a_delivery_is_sent_again(pages, webhook):
    failed = WebhookDelivery.objects.create(
        webhook=webhook, kind="landing", body={}, state="failed", attempts=9, last_error="no answer"
    )
    page = f"{LIST}{webhook.pk}/"
    assert "no answer" in pages.get(page)
    pages.post(f"{page}deliveries/{failed.uuid}/")
    failed.refresh_from_db()
    assert failed.state == "pending"
    assert failed.next_at <= timezone.now()


def test_members_see_none(world, webhook):
    member = Pages(world.user("ann"))
    assert member.status(LIST) == 403
    assert member.status(f"{LIST}{webhook.pk}/") == 403
    assert "Webhooks" not in member.get("/acme/people/")
