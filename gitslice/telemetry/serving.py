"""`/metrics` of a worker that shares no folder with a web server: a port of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CONTENT_TYPE_LATEST

from gitslice.configuration import read_or_stop
from gitslice.telemetry.exposition import admitted, exposition

log = logging.getLogger(__name__)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def serve(port: int) -> None:
    """Answer at this port until the process ends. Where another worker of this machine has it, that one tells of all."""
    try:
        server = make_server(read_or_stop()["GITSLICE_BIND"], port, application, _Server, _Silent)
    except OSError as error:
        log.warning("metrics are not served at port %d: %s", port, error.strerror)
        return
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def application(environment: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    known = environment["PATH_INFO"] == "/metrics" and admitted(
        environment["REMOTE_ADDR"],
        environment.get("HTTP_AUTHORIZATION", ""),
        forwarded="HTTP_X_FORWARDED_FOR" in environment,
    )
    if not known:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"not found\n"]
    start_response("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
    return [exposition()]
