"""Who webhooks are sent to in tests: real servers on this machine, and the system's resolver, which says what we want."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.utils import timezone

from accounts.events import announce
from accounts.models import Webhook, WebhookDelivery
from accounts.webhooks.dispatching import dispatch
from accounts.webhooks.sending import send
from accounts.webhooks.services import create_webhook
from tests.world import World

LOCAL = "127.0.0.0/8"


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def answer_with(status: int, body: bytes = b"ok", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


FINE = answer_with(200)


def trickle(handler: BaseHTTPRequestHandler) -> None:
    """Headers, a byte at a time, for ever."""
    while True:
        handler.wfile.write(b"H")
        time.sleep(0.05)


def gush(handler: BaseHTTPRequestHandler) -> None:
    """A body without an end."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
    while True:
        handler.wfile.write(b"\0x" * 4096)


@dataclass
class Receiver:
    """A server that remembers what it gets, and answers as told."""

    host: str = "127.0.0.1"
    port: int = 0
    received: list[Received] = field(default_factory=list)
    answer: Callable[[BaseHTTPRequestHandler], None] = FINE

    def __post_init__(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(self.path, headers, body))
                try:
                    receiver.answer(self)
                except OSError:
                    self.close_connection = True

            do_GET = do_POST

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer((self.host, self.port), Handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook?key=1"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def names(patch: pytest.MonkeyPatch, name: str, addresses: Iterable[str]) -> list[str]:
    """The name has one of these addresses after the other; gives the list of lookups so far, which grows."""
    known, lookups, answers = socket.getaddrinfo, [], iter(addresses)

    def getaddrinfo(host: str, port: int, *arguments: Any, **options: Any) -> Any:
        if host == name:
            lookups.append(host)
            host = next(answers)
        return known(host, port, *arguments, **options)

    patch.setattr(socket, "getaddrinfo", getaddrinfo)
    return lookups


def webhook_to(receiver: Receiver, world: World, *topics: str) -> tuple[Webhook, str]:
    return create_webhook(
        actor=world.owner, organization=world.organization, url=receiver.url, topics=topics or ["changeset"]
    )


def happen(world: World, *kinds: str) -> None:
    for kind in kinds:
        announce(organization_id=world.organization.pk, kind=kind, body={"actor_id": 7, "state": "open"})


def at_once() -> None:
    """What waits is due."""
    WebhookDelivery.objects.filter(state="pending").update(next_at=timezone.now())


def deliver() -> int:
    """What the tasks do, without the queue; gives the number of tries."""
    leases = dispatch()
    for lease in leases:
        send(*lease)
    return len(leases)


def is_signed(message: Received, secret: str) -> bool:
    """As a receiver would check it, which knows nothing of our code."""
    key = base64.b64decode(secret.split("_", 1)[1])
    signed = ".".join(
        [message.headers["webhook-id"], message.headers["webhook-timestamp"], message.body.decode()]
    )
    expected = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
    fresh = abs(time.time() - int(message.headers["webhook-timestamp"])) < 300
    return fresh and f"v1,{expected}" in message.headers["webhook-signature"].split(" ")
