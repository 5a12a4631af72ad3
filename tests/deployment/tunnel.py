"""TLS before a server that speaks none: what comes in by TLS goes on as it is."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import trustme

POSTGRES_WANTS_TLS = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


@contextlib.contextmanager
def before(port: int, certificate: trustme.LeafCert, *, postgres: bool = False) -> Iterator[int]:
    """The port of a tunnel to `port` on this machine. PostgreSQL's clients ask for TLS before they begin with it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

        def serve(raw: socket.socket) -> None:
            with contextlib.suppress(OSError), raw:
                if postgres:
                    if raw.recv(8, socket.MSG_WAITALL) != POSTGRES_WANTS_TLS:
                        return
                    raw.sendall(b"S")
                with context.wrap_socket(raw, server_side=True) as outer:
                    forward(outer, port)

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def forward(outer: ssl.SSLSocket, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as inner:
        outer.setblocking(True)
        back = threading.Thread(target=pump, args=(inner, outer), daemon=True)
        back.start()
        pump(outer, inner)
        back.join()


def pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
