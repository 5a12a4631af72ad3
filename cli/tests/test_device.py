"""How `gs` asks for its token, against a small server that answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from gs import device
from gs.errors import GsError
from gs.http import Api

ASKED = {"device_code": "secret", "expires_in": 60, "interval": 5}
TOKEN = (200, {"access_token": "gst_x", "token_type": "Bearer"})


def refusal(code: str) -> tuple[int, dict]:
    return 400, {"error": code, "error_description": f"it is {code}"}


class Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, dict]] = []
        self.forms: list[dict[str, list[str]]] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.forms.append(parse_qs(body))
        status, document = self.server.answers.pop(0)
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were waited, at once."""
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    return waited


def ask(server: Server, *answers: tuple[int, dict]) -> str:
    server.answers = list(answers)
    return device.wait_for_token(Api(f"http://127.0.0.1:{server.server_port}", None), ASKED)


def test_it_asks_as_the_rfc_says(server: Server, pauses: list[float]) -> None:
    answers = [refusal("authorization_pending"), refusal("authorization_pending"), TOKEN]
    assert ask(server, *answers) == "gst_x"
    assert pauses == [5, 5, 5]
    assert server.forms[0] == {
        "client_id": ["gs"],
        "device_code": ["secret"],
        "grant_type": ["urn:ietf:params:oauth:grant-type:device_code"],
    }


def test_it_slows_down_for_good(server: Server, pauses: list[float]) -> None:
    ask(server, refusal("slow_down"), refusal("authorization_pending"), refusal("slow_down"), TOKEN)
    assert pauses == [5, 10, 10, 15]


def test_a_server_that_fails_is_asked_less_and_less_often(server: Server, pauses: list[float]) -> None:
    ask(server, (502, {}), (502, {}), refusal("authorization_pending"), TOKEN)
    assert pauses == [5, 10, 20, 5]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("access_denied", "the sign-in was denied in the browser"),
        ("expired_token", "nobody allowed the sign-in in time"),
        ("invalid_grant", "it is invalid_grant"),
    ],
)
def test_it_ends_with_what_the_server_says(
    server: Server, pauses: list[float], code: str, message: str
) -> None:
    with pytest.raises(GsError) as caught:
        ask(server, refusal(code))
    assert (caught.value.message, caught.value.exit_code) == (message, 3)


def test_time_runs_out_without_the_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    with pytest.raises(GsError, match="nobody allowed the sign-in in time"):
        ask(server, *[refusal("authorization_pending")] * 20)
    assert now[0] == 60
