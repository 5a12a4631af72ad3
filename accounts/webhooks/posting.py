"""One POST to an address that may be anything: it is checked before, given little time, and read only so far."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult

from accounts.webhooks.addresses import admitted, check_url

PATIENCE = 10.0  # seconds for all of it: name, connection, TLS, request and answer
MOST_READ = 64 << 10  # bytes of an answer's body
KEPT = 1 << 10  # bytes of them that are told
REFUSED = "the host has no public address"  # also of names that do not exist: which do is nobody's business
LATE = f"no answer within {PATIENCE:.0f} seconds"
REASONS: tuple[tuple[type[Exception], str], ...] = (
    (ssl.SSLCertVerificationError, "the certificate is not valid"),
    (ssl.SSLError, "there is no agreement on TLS"),
    (TimeoutError, LATE),
    (ConnectionRefusedError, "the connection was refused"),
    (ConnectionError, "the connection was cut"),
    (http.client.HTTPException, "the answer is not HTTP"),
)
RESOLVER = ThreadPoolExecutor(8, "webhook-names")  # the system's resolver takes no time limit


class NotPosted(Exception):
    """There was no answer; says why, in words for an organization's admins."""


@dataclass(frozen=True)
class Answer:
    status: int
    text: str  # its beginning


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send the body; redirects are answers like others. Raises NotPosted, InvalidUrl."""
    parts = check_url(url)
    end = time.monotonic() + PATIENCE
    try:
        with _connected(parts, end) as connection, _ended(connection, end):
            return _exchange(parts, connection, body, headers)
    except (OSError, http.client.HTTPException) as error:
        raise NotPosted(LATE if time.monotonic() >= end else _reason(error)) from None


def _connected(parts: SplitResult, end: float) -> socket.socket:
    """A connection to one of the addresses that were checked, whatever the name may mean a moment later."""
    name = (parts.hostname or "").rstrip(".")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    plain = _reach(admitted(_resolve(name, port, end)), port, end)
    if parts.scheme == "http":
        return plain
    plain.settimeout(_left(end))
    return ssl.create_default_context().wrap_socket(plain, server_hostname=name)


def _resolve(name: str, port: int, end: float) -> list[str]:
    lookup = RESOLVER.submit(socket.getaddrinfo, name, port, type=socket.SOCK_STREAM)
    try:
        return [str(found[4][0]) for found in lookup.result(_left(end))]
    except (OSError, UnicodeError):
        return []


def _reach(addresses: list[str], port: int, end: float) -> socket.socket:
    """The first that lets us in."""
    if not addresses:
        raise NotPosted(REFUSED)
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), _left(end))
    return socket.create_connection((addresses[-1], port), _left(end))


@contextmanager
def _ended(connection: socket.socket, end: float) -> Iterator[None]:
    """Cut the connection when time is up: a socket's own limit begins anew with every byte."""
    connection.settimeout(PATIENCE)
    timer = threading.Timer(_left(end), _cut, [connection])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # TLS's own would go on in clear


def _exchange(
    parts: SplitResult, connection: socket.socket, body: bytes, headers: Mapping[str, str]
) -> Answer:
    client = http.client.HTTPConnection(parts.hostname or "")
    client.sock, client.auto_open = connection, 0
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    client.request("POST", target, body, {"Host": parts.netloc, "Connection": "close", **headers})
    response = client.getresponse()
    return Answer(response.status, _beginning(response))


def _beginning(response: http.client.HTTPResponse) -> str:
    """The status has come, so what becomes of the rest does not matter."""
    data = b""
    with suppress(OSError, http.client.HTTPException):
        data = response.read(MOST_READ)
    return data[:KEPT].decode(errors="replace").replace("\0", "\ufffd")


def _reason(error: Exception) -> str:
    return next((reason for kind, reason in REASONS if isinstance(error, kind)), "the connection failed")


def _left(end: float) -> float:
    return max(end - time.monotonic(), 0.001)
