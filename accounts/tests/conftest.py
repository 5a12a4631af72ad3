from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from accounts.tests.receivers import LOCAL, Receiver


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    """A server on this machine, where webhooks may be sent to."""
    settings.GITSLICE_WEBHOOK_NETWORKS = [ip_network(LOCAL)]
    receiver = Receiver()
    yield receiver
    receiver.close()
