"""From an event to its receiver: each once, in the end, whoever dies, races or does not answer."""

from __future__ import annotations

import runpy

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Event, WebhookDelivery
from accounts.tests.receivers import answer_with, at_once, deliver, happen, is_signed, webhook_to
from accounts.webhooks.dispatching import dispatch
from accounts.webhooks.sending import JITTER, PAUSES, send
from accounts.webhooks.services import change_webhook, redeliver
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    return World()


def test_a_landing_arrives_signed(world, receiver):
    slice = world.slice("web", "web/**", visibility="private")
    _, secret = webhook_to(receiver, world, "landing")
    commit = world.land(slice, {"web/a": b"a\n"}, title="Add a")
    deliver()
    (message,) = receiver.received
    delivery = WebhookDelivery.objects.get()
    assert is_signed(message, secret)
    assert not is_signed(message, "whsec_c2VjcmV0")
    assert message.headers["webhook-id"] == message.json["id"] == str(delivery.uuid)
    assert message.headers["content-type"] == "application/json"
    assert message.path == "/hook?key=1"
    assert (message.json["type"], message.json["organization"]) == ("changeset.land", "acme")
    assert message.json["time"] == Event.objects.get(kind="changeset.land").at.isoformat()
    data = message.json["data"]
    assert (data["commit"], data["slice"], data["title"]) == (commit.hex, "acme/web", "Add a")
    assert "actor_id" not in data
    assert (delivery.state, delivery.last_status, delivery.last_response) == ("delivered", 200, "ok")


def test_receivers_check_signatures_as_the_page_about_it_says(world, receiver, settings, tmp_path):
    page = (settings.BASE_DIR / "docs" / "webhooks.md").read_text()
    code = tmp_path / "receiver.py"
    code.write_text(page.partition("```python\n")[2].partition("```")[0])
    is_genuine = runpy.run_path(str(code))["is_genuine"]
    _, secret = webhook_to(receiver, world)
    happen(world, "changeset.create")
    deliver()
    (message,) = receiver.received
    assert is_genuine(secret, message.headers, message.body)
    assert not is_genuine(secret, message.headers, message.body + b" ")
    assert not is_genuine("whsec_c2VjcmV0", message.headers, message.body)
    assert not is_genuine(secret, message.headers | {"webhook-timestamp": "1700000000"}, message.body)


@pytest.mark.parametrize(
    ("topic", "heard"),
    [
        ("changeset", ["changeset.create", "changeset.land"]),
        ("landing", ["changeset.land"]),
        ("conflict", ["conflict.opened"]),
        ("global", ["global.merged"]),
    ],
)
def test_a_webhook_hears_its_topics_from_when_it_was_made(world, receiver, topic, heard):
    kinds = ["access", "changeset.create", "changeset.land", "conflict.opened", "global.merged"]
    happen(world, *kinds)
    webhook_to(receiver, world, topic)
    happen(world, *kinds)
    happen(World("other"), *kinds)
    deliver()
    assert [message.json["type"] for message in receiver.received] == heard
    assert deliver() == 0


def test_failures_are_tried_again_with_growing_pauses_until_it_is_enough(world, receiver):
    webhook_to(receiver, world)
    happen(world, "changeset.create")
    receiver.answer = answer_with(503, b"later")
    for pause in PAUSES:
        assert deliver() == 1
        delivery = WebhookDelivery.objects.get()
        waits = (delivery.next_at - timezone.now()).total_seconds()
        assert pause * (1 - JITTER) - 5 < waits < pause * (1 + JITTER)
        assert deliver() == 0
        at_once()
    assert deliver() == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.next_at) == ("failed", len(PAUSES) + 1, None)
    assert (delivery.last_status, delivery.last_response) == (503, "later")
    assert len({message.headers["webhook-id"] for message in receiver.received}) == 1
    assert len({message.body for message in receiver.received}) == 1


def test_what_failed_is_delivered_by_hand(world, receiver):
    webhook_to(receiver, world)
    happen(world, "changeset.create")
    receiver.answer = answer_with(500)
    deliver()
    WebhookDelivery.objects.update(state="failed", attempts=8, next_at=None)
    receiver.answer = answer_with(204, b"")
    redeliver(actor=world.owner, delivery=WebhookDelivery.objects.get())
    assert deliver() == 1
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("delivered", 1, 204)
    assert receiver.received[0].json == receiver.received[1].json


def test_a_redelivery_is_not_undone_by_a_try_under_way(world, receiver):
    webhook_to(receiver, world)
    happen(world, "changeset.create")

    def meanwhile(handler) -> None:
        redeliver(actor=world.owner, delivery=WebhookDelivery.objects.get())
        connection.close()
        answer_with(200)(handler)

    receiver.answer = meanwhile
    deliver()
    receiver.answer = answer_with(200)
    assert WebhookDelivery.objects.get().state == "pending"
    assert deliver() == 1
    assert WebhookDelivery.objects.get().state == "delivered"


@pytest.mark.parametrize("gone", ["inactive", "deleted"])
def test_nothing_is_sent_for_who_wants_no_more(world, receiver, gone):
    webhook, _ = webhook_to(receiver, world)
    happen(world, "changeset.create")
    leases = dispatch()
    if gone == "deleted":
        webhook.delete()
    else:
        change_webhook(actor=world.owner, webhook=webhook, active=False)
    happen(world, "changeset.update")
    send(*leases[0])
    at_once()
    assert deliver() == 0
    assert receiver.received == []
    if gone == "inactive":
        change_webhook(actor=world.owner, webhook=webhook, active=True)
        happen(world, "changeset.comment")
        deliver()
        heard = [message.json["type"] for message in receiver.received]
        assert heard == ["changeset.create", "changeset.comment"]
