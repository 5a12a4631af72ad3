"""Dispatchers and workers that die, race, lag or lose messages: each event arrives once all the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from celery import current_app
from django.db import connection
from django.utils import timezone

from accounts.events import KEPT, forget_old, newest_position, settle
from accounts.models import Event, Webhook, WebhookDelivery
from accounts.tasks import dispatch_webhooks, forget_old_deliveries
from accounts.tests.receivers import at_once, deliver, happen, webhook_to
from accounts.webhooks.dispatching import LEASE, dispatch
from accounts.webhooks.sending import send
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    return World()


class Killed(Exception):
    pass


def die_at(number: int):
    """Of a process's statements this one and all after it are never made."""
    left = number

    def wrapper(execute, *arguments):
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        return execute(*arguments)

    return connection.execute_wrapper(wrapper)


def test_a_dispatcher_killed_between_statements_loses_and_doubles_nothing(world, receiver):
    webhook_to(receiver, world)
    deaths, completed = 0, False
    while not completed:
        happen(world, "changeset.create", "conflict.opened", "changeset.land")
        try:
            with die_at(deaths):
                dispatch()
            completed = True
        except Killed:
            deaths += 1
    dispatch()
    wanted = Event.objects.filter(kind__startswith="changeset.").order_by("position")
    positions = list(wanted.values_list("position", flat=True))
    written = WebhookDelivery.objects.order_by("event_position").values_list("event_position", flat=True)
    assert deaths > 8
    assert list(written) == positions
    at_once()  # leases that nobody used
    assert deliver() == len(positions)
    assert len({message.json["id"] for message in receiver.received}) == len(receiver.received)
    assert len(receiver.received) == len(positions)
    assert Webhook.objects.get().position == newest_position()


def test_dispatchers_at_once_deliver_each_event_once(world, receiver):
    for _ in range(3):
        webhook_to(receiver, world)

    def work(_: int) -> None:
        try:
            happen(world, "changeset.create")
            deliver()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(40)))
    while deliver():
        pass
    assert WebhookDelivery.objects.filter(state="delivered", attempts=1).count() == 120
    assert len({message.json["id"] for message in receiver.received}) == len(receiver.received) == 120


def test_workers_at_once_send_a_delivery_once(world, receiver):
    webhook_to(receiver, world)
    happen(world, "changeset.create")
    (lease,) = dispatch()

    def work(_: int) -> None:
        try:
            send(*lease)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert len(receiver.received) == 1


def test_a_lease_that_nobody_used_runs_out(world, receiver):
    webhook_to(receiver, world)
    happen(world, "changeset.create")
    (lost,) = dispatch()
    assert dispatch() == []
    delivery = WebhookDelivery.objects.get()
    assert timedelta(0) < delivery.next_at - timezone.now() <= LEASE
    at_once()
    assert deliver() == 1
    send(*lost)  # the message turns up after all
    assert len(receiver.received) == 1


def test_sends_wait_in_a_queue_of_their_own(world, receiver):
    webhook_to(receiver, world)
    happen(world, "changeset.create")
    with current_app.connection_for_write() as broker:
        queue = broker.default_channel.client
        before = queue.llen("webhooks")
        assert dispatch_webhooks() == 1
        assert queue.llen("webhooks") == before + 1
        queue.delete("webhooks")


def test_who_lags_behind_what_the_feed_keeps_goes_on_from_there(world, receiver):
    webhook_to(receiver, world)
    happen(world, "changeset.create", "changeset.land")
    settle()
    Event.objects.update(at=timezone.now() - KEPT - timedelta(hours=1))
    assert forget_old() > 0
    happen(world, "changeset.update")
    deliver()
    heard = [message.json["type"] for message in receiver.received]
    assert heard == ["changeset.land", "changeset.update"]  # the newest is always kept


def test_the_log_is_forgotten_after_a_month(world, receiver):
    webhook_to(receiver, world)
    happen(world, "changeset.create", "changeset.land")
    deliver()
    old = WebhookDelivery.objects.order_by("pk")[0]
    WebhookDelivery.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=31))
    assert forget_old_deliveries() == 1
    assert WebhookDelivery.objects.get().kind == "changeset.land"


def test_a_secret_that_cannot_be_read_is_told_in_the_log(world, receiver, settings):
    webhook_to(receiver, world)
    happen(world, "changeset.create")
    settings.SECRET_KEY = "another"
    deliver()
    assert "another key" in WebhookDelivery.objects.get().last_error
    assert receiver.received == []
