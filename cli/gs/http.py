"""HTTP to a GitSlice server: one kept connection, problem documents as GsError, safe retries."""

from __future__ import annotations

import os
import time

from gs import __version__
from gs.errors import GsError
from gs.wire import bare_problem, lost, oauth_problem, open_connection, replayable, wait

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import IO, Any, Self

    from gs.connection import Answer, Connection

    Body = dict | list | bytes | bytearray | Iterable[bytes] | IO[bytes] | None

API = "/api/v1/"
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986, 2.3
WAITS = 4  # tries in all when the server answers 429 or 503
NOT_MODIFIED = 304
SAFE = {"GET", "HEAD", "PUT", "DELETE"}
PROBLEM_LIMIT = 16 * 1024 * 1024  # bytes of an error answer that are read (conflicts carry hunks)


class Response:
    """An answer being read: `.status`, `.headers`, `.read(n)`, `.readline()`; a context manager.

    Leave nothing unread if the connection shall be used again; what is left unread closes it.
    """

    def __init__(self, api: Api, raw: Answer):
        self._api = api
        self._raw = raw
        self.status: int = raw.status
        self.headers = raw.headers

    def read(self, count: int = -1) -> bytes:
        """Up to `count` bytes (b"" at the end). Raises GsError `network` when the answer breaks off."""
        return self._guard(self._raw.read, None if count < 0 else count)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        return self._guard(self._raw.readinto, buffer)

    def readline(self, limit: int = -1) -> bytes:
        return self._guard(self._raw.readline, limit)

    def readable(self) -> bool:
        return True

    def _guard(self, call: Callable[..., Any], *args: object) -> Any:
        from gs.connection import ProtocolError

        try:
            return call(*args)
        except (ProtocolError, OSError) as error:
            raise self._broken(str(error) or type(error).__name__) from error

    def _broken(self, reason: str) -> GsError:
        self._api.close()
        return GsError("network", f"the answer of {self._api.endpoint} broke off: {reason}", "try again")

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def close(self) -> None:
        if not self._raw.isclosed():
            self._api.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Api:
    """The REST API of one server for one token. Not for two threads at once: `clone()` makes a second connection."""

    def __init__(self, endpoint: str, token: str | None):
        self.endpoint = endpoint.rstrip("/")
        self.token = token
        self._connection: Connection | None = None
        self._name = os.urandom(8).hex()  # of our requests, in the server's log
        self._count = 0

    def clone(self) -> Api:
        return Api(self.endpoint, self.token)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def get(self, path: str, /, **query: object) -> dict:
        """GET a JSON document; query values that are None are left out, True is 1."""
        return self._json("GET", path + encode_query(query))

    def post(
        self,
        path: str,
        body: Body = None,
        content_type: str | None = None,
        idempotency_key: str | None = None,
    ) -> dict:
        """POST a dict (as JSON), bytes, a file (from its start) or an iterator of bytes; answers JSON.

        Sends an Idempotency-Key, its own if none is given, so that a lost answer can be asked for again.
        """
        headers = {"Idempotency-Key": idempotency_key or os.urandom(16).hex()}
        return self._json("POST", path, body, content_type, headers)

    def patch(self, path: str, body: dict) -> dict:
        return self._json("PATCH", path, body)

    def delete(self, path: str) -> dict:
        return self._json("DELETE", path)

    def stream(
        self,
        method: str,
        path: str,
        body: Body = None,
        headers: dict | None = None,
        *,
        repeatable: bool | None = None,
    ) -> Response:
        """Send a request and hand back the answer unread; redirects and every status of 400 and more raise GsError.

        `repeatable` says that sending it twice does no harm (default: GET and the like, or an Idempotency-Key);
        only then, and if the body is no iterator, is it sent again after a lost connection or a 503.
        """
        headers = {**self._headers(), **(headers or {})}
        if isinstance(body, (dict, list)):
            import json

            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        if repeatable is None:
            repeatable = method in SAFE or "Idempotency-Key" in headers
        repeatable = repeatable and replayable(body)
        for attempt in range(1, WAITS + 1):
            response = self._send(method, API + path, body, headers, repeatable)
            if response.status < 300 or response.status == NOT_MODIFIED:
                return response
            if response.status < 400:
                raise self._redirected(response)
            problem = self._problem(response)
            if response.status not in (429, 503) or attempt == WAITS or not replayable(body):
                raise problem
            time.sleep(wait(response.headers.get("Retry-After"), attempt))
        raise AssertionError("unreachable")

    def _json(
        self,
        method: str,
        path: str,
        body: Body = None,
        content_type: str | None = None,
        headers: dict | None = None,
    ) -> dict:
        headers = {"Accept": "application/json", **(headers or {})}
        if content_type:
            headers["Content-Type"] = content_type
        with self.stream(method, path, body, headers) as response:
            content = response.read()
        if not content:
            return {}
        import json

        try:
            return json.loads(content)
        except ValueError as error:
            raise GsError(
                "network",
                f"{self.endpoint} does not answer like a GitSlice server",
                "check the endpoint: gs config get endpoint",
            ) from error

    def _headers(self) -> dict:
        self._count += 1
        headers = {"User-Agent": f"gs/{__version__}", "X-Request-ID": f"{self._name}-{self._count}"}
        if "TRACEPARENT" in os.environ or "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
            from gs.tracing import traceparent

            if parent := traceparent():
                headers["traceparent"] = parent
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return headers

    def _send(self, method: str, path: str, body: Body, headers: dict, repeatable: bool) -> Response:
        """One exchange; a connection that the server has meanwhile closed is opened again, once."""
        from gs.connection import ProtocolError

        self._drop_stale()
        retried = False
        while True:
            fresh = self._connection is None
            try:
                return Response(self, self._exchange(method, path, body, headers))
            except (ProtocolError, OSError) as error:
                self.close()
                if retried or not repeatable or (fresh and isinstance(error, OSError) and not lost(error)):
                    raise self._unreachable(error) from error
                retried = True

    def _exchange(self, method: str, path: str, body: Body, headers: dict) -> Answer:
        rewind = getattr(body, "seek", None)
        if rewind is not None:
            rewind(0)
        connection = self._connect()
        try:
            connection.send(method, path, body, headers)  # type: ignore[arg-type]
        except (BrokenPipeError, ConnectionResetError):
            # A server that refuses an upload answers and closes before it has read all: look for that answer.
            if body is None:
                raise
        return connection.receive(method)

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = open_connection(self.endpoint)
        return self._connection

    def _drop_stale(self) -> None:
        """Close the kept connection if the server has closed its side (then it is readable between requests)."""
        sock = getattr(self._connection, "sock", None)
        if sock is None:
            self.close()
            return
        import select

        if select.select([sock], [], [], 0)[0]:
            self.close()

    def _unreachable(self, error: Exception) -> GsError:
        from gs.tls import explained

        if told := explained(self.endpoint, error):
            return told
        reason = str(error) or type(error).__name__
        return GsError(
            "network",
            f"{self.endpoint} cannot be reached: {reason}",
            "is the server running, and the endpoint right? (gs config get endpoint)",
        )

    def _redirected(self, response: Response) -> GsError:
        """A server behind another address: tokens are not carried there on its word."""
        response.close()
        target = response.headers.get("Location", "nowhere")
        hint = "if that is your server: gs config set endpoint ADDRESS"
        return GsError("network", f"{self.endpoint} sends us to {target}", hint)

    def _problem(self, response: Response) -> GsError:
        """The error of a problem document, or of whatever stands between us and the server."""
        content = response.read(PROBLEM_LIMIT)
        response.close()
        import json

        document = None
        try:
            document = json.loads(content)
            code, message = document["code"], document.get("detail") or document["title"]
        except (ValueError, KeyError, TypeError):
            return oauth_problem(document) or bare_problem(response.status, self.endpoint)
        if code == "internal" and (request_id := response.headers.get("X-Request-ID")):
            return GsError(code, str(message), f"the server's log knows it as request {request_id}")
        hint = document.get("hint") or ("gs auth login" if code == "unauthenticated" else None)
        return GsError(code, str(message), hint, document.get("details"))


def encode_query(query: dict) -> str:
    """`?a=1&b=x` of a dict, or an empty string."""
    given = {
        key.rstrip("_"): _query_value(value)
        for key, value in query.items()
        if value is not None and value is not False
    }
    if not given:
        return ""
    from urllib.parse import urlencode

    return "?" + urlencode(given)


def quote(part: str) -> str:
    """One part of a path for an address."""
    if UNRESERVED.issuperset(part):
        return part
    from urllib.parse import quote as percent

    return percent(part, safe="")


def _query_value(value: object) -> str:
    return "1" if value is True else str(value)
