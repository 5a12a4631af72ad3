from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from django.core import mail

from accounts.tasks import send_invitation
from accounts.tests.receivers import LOCAL, Receiver


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    """A server on this machine, where webhooks may be sent to."""
    settings.GITSLICE_WEBHOOK_NETWORKS = [ip_network(LOCAL)]
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def posted(monkeypatch, django_capture_on_commit_callbacks):
    """Runs what it is given, and sends what that mails; gives the links in it by address."""
    monkeypatch.setattr(send_invitation, "delay", send_invitation)  # at once, instead of by a worker

    def run(action) -> dict[str, str]:
        mail.outbox = []
        with django_capture_on_commit_callbacks(execute=True):
            action()
        return {letter.to[0]: link_in(letter.body) for letter in mail.outbox}

    return run


def link_in(text: str) -> str:
    """The path of the first link."""
    [link] = [line for line in text.splitlines() if line.startswith("http")]
    return "/" + link.split("/", 3)[3]
