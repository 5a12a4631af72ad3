"""The HTTP client against a small server that speaks the contract, misbehaving on request."""

from __future__ import annotations

import io
import json
import select
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gs.errors import GsError
from gs.http import Api, encode_query
from gs.wire import wait


class Handler(BaseHTTPRequestHandler):
    """Answers by path; `server.log` gets (method, path, headers, body) of every request."""

    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        body = self.read_body()
        self.server.log.append((self.command, self.path, dict(self.headers), body))
        name = self.path.removeprefix("/api/v1/").split("?")[0].strip("/")
        getattr(self, f"answer_{name}", self.answer_echo)(body)

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def answer(
        self, status: int, content: bytes, content_type: str = "application/json", **headers: str
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def answer_echo(self, body: bytes) -> None:
        connection = self.client_address[1]
        text = {"method": self.command, "path": self.path, "body": body.decode(), "connection": connection}
        self.answer(200, json.dumps(text).encode())

    def answer_problem(self, body: bytes) -> None:
        problem = {
            "code": "slice_locked",
            "detail": "acme/web is locked",
            "hint": "wait",
            "details": {"slice": "acme/web"},
        }
        self.answer(423, json.dumps(problem).encode(), "application/problem+json")

    def answer_broken(self, body: bytes) -> None:
        problem = {"code": "internal", "detail": "The server failed", "hint": "try again"}
        self.answer(500, json.dumps(problem).encode(), X_Request_ID="abc-1")

    def answer_proxy(self, body: bytes) -> None:
        self.answer(502, b"<h1>Bad gateway</h1>", "text/html")

    def answer_busy(self, body: bytes) -> None:
        if len(self.server.log) < 3:
            self.answer(503, b'{"code": "server_busy", "detail": "busy"}', Retry_After="0")
        else:
            self.answer_echo(body)

    def answer_limited(self, body: bytes) -> None:
        self.answer(429, b'{"code": "rate_limited", "detail": "slow down"}', Retry_After="0")

    def answer_drop(self, body: bytes) -> None:
        """The first request is read and its connection closed without an answer."""
        if len(self.server.log) == 1:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.answer_echo(body)

    def answer_once(self, body: bytes) -> None:
        """Answers, then closes without having said so."""
        self.answer_echo(body)
        self.close_connection = True

    def answer_short(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"only this")
        self.close_connection = True

    def answer_moved(self, body: bytes) -> None:
        self.answer(302, b"", Location="https://elsewhere.example/")

    def answer_empty(self, body: bytes) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.log = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def api(server: ThreadingHTTPServer) -> Iterator[Api]:
    api = Api(f"http://127.0.0.1:{server.server_port}", "gst_secret")
    yield api
    api.close()


def test_requests_share_one_connection(api: Api) -> None:
    assert api.get("echo/")["connection"] == api.post("echo/", {"a": 1})["connection"]


def test_requests_carry_token_and_program(api: Api, server: ThreadingHTTPServer) -> None:
    api.get("echo/")
    headers = server.log[0][2]
    assert headers["Authorization"] == "Bearer gst_secret"
    assert headers["User-Agent"].startswith("gs/")


def test_query_leaves_out_what_is_not_given(api: Api) -> None:
    answer = api.get("echo/", org="acme", search=None, mine=False, all=True, path="a b&c")
    assert answer["path"] == "/api/v1/echo/?org=acme&all=1&path=a+b%26c"
    assert encode_query({}) == ""


def test_posts_have_an_idempotency_key_of_their_own(api: Api, server: ThreadingHTTPServer) -> None:
    api.post("echo/", {"a": 1})
    api.post("echo/", {"a": 1})
    api.post("echo/", {"a": 1}, idempotency_key="mine")
    keys = [headers["Idempotency-Key"] for _, _, headers, _ in server.log]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"


def test_iterators_are_sent_in_chunks(api: Api) -> None:
    assert api.post("echo/", iter([b"one ", b"two"]), content_type="text/plain")["body"] == "one two"


def test_problem_documents_become_errors(api: Api) -> None:
    with pytest.raises(GsError) as caught:
        api.get("problem/")
    error = caught.value
    assert (error.code, error.message, error.hint) == ("slice_locked", "acme/web is locked", "wait")
    assert error.details == {"slice": "acme/web"}
    assert error.exit_code == 12


def test_the_connection_survives_a_problem(api: Api) -> None:
    before = api.get("echo/")["connection"]
    with pytest.raises(GsError):
        api.get("problem/")
    assert api.get("echo/")["connection"] == before


def test_errors_of_proxies_are_network_errors(api: Api) -> None:
    with pytest.raises(GsError) as caught:
        api.get("proxy/")
    assert caught.value.code == "network"


def test_busy_servers_are_asked_again(api: Api, server: ThreadingHTTPServer) -> None:
    assert api.post("busy/", {"a": 1})["body"] == '{"a": 1}'
    keys = {headers["Idempotency-Key"] for _, _, headers, _ in server.log}
    assert len(server.log) == 3
    assert len(keys) == 1


def test_streams_are_not_sent_twice(api: Api, server: ThreadingHTTPServer) -> None:
    with pytest.raises(GsError) as caught:
        api.post("busy/", iter([b"x"]))
    assert caught.value.code == "server_busy"
    assert len(server.log) == 1


def test_rate_limits_end_the_command_at_last(api: Api, server: ThreadingHTTPServer) -> None:
    with pytest.raises(GsError) as caught:
        api.get("limited/")
    assert caught.value.exit_code == 5
    assert 1 < len(server.log) < 10


def test_a_lost_answer_is_asked_for_again_with_the_same_key(api: Api, server: ThreadingHTTPServer) -> None:
    assert api.post("drop/", {"a": 1})["method"] == "POST"
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in server.log}) == 1
    assert len(server.log) == 2


def test_files_are_sent_again_from_their_start(api: Api, server: ThreadingHTTPServer) -> None:
    api.post("drop/", io.BytesIO(b"the whole file"))
    assert [body for _, _, _, body in server.log] == [b"the whole file"] * 2


def test_a_lost_answer_of_something_not_repeatable_is_an_error(api: Api, server: ThreadingHTTPServer) -> None:
    with pytest.raises(GsError) as caught:
        api.stream("POST", "drop/", b"body", repeatable=False)
    assert caught.value.code == "network"
    assert len(server.log) == 1


def test_a_connection_that_the_server_closed_is_opened_again(api: Api) -> None:
    first = api.get("once/")["connection"]
    select.select([api._connection.sock], [], [], 10)  # until the server's closing has arrived
    second = api.post("echo/", iter([b"stream"]))["connection"]
    assert first != second


def test_an_answer_that_breaks_off_is_an_error(api: Api) -> None:
    with api.stream("GET", "short/") as response:
        assert response.read(9) == b"only this"
        with pytest.raises(GsError) as caught:
            response.read(1)
    assert caught.value.code == "network"


def test_streams_can_be_left_unread(api: Api) -> None:
    with api.stream("GET", "echo/") as response:
        assert response.status == 200
        assert response.read(1) == b"{"
    assert api.get("echo/")["method"] == "GET"


def test_redirects_are_told_not_followed(api: Api, server: ThreadingHTTPServer) -> None:
    with pytest.raises(GsError, match=r"elsewhere\.example"):
        api.get("moved/")
    assert len(server.log) == 1


def test_no_content_is_an_empty_document(api: Api) -> None:
    assert api.delete("empty/") == {}


def test_nobody_listening_is_a_network_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(GsError) as caught:
        Api(f"http://127.0.0.1:{port}", None).get("me/")
    assert caught.value.exit_code == 2


def test_who_is_turned_away_waits_as_long_as_asked_and_not_all_come_back_at_once():
    waits = [wait("4", 1) for _ in range(200)]
    assert 4 <= min(waits) < max(waits) <= 6
    assert all(2 <= wait(None, 2) <= 3 for _ in range(50))
    assert all(30 <= wait("86400", 1) <= 45 for _ in range(50))
    assert 1 <= wait("Wed, 21 Oct 2026 07:28:00 GMT", 1) <= 1.5


def test_requests_have_names_that_the_server_logs(api: Api, server: ThreadingHTTPServer) -> None:
    api.get("echo/")
    api.get("echo/")
    first, second = (headers["X-Request-ID"] for _, _, headers, _ in server.log)
    assert first.removesuffix("-1") == second.removesuffix("-2")
    assert first.endswith("-1")


def test_a_failure_of_the_server_says_which_request_it_was(api: Api, server: ThreadingHTTPServer) -> None:
    with pytest.raises(GsError) as caught:
        api.get("broken/")
    assert caught.value.hint == "the server's log knows it as request abc-1"
