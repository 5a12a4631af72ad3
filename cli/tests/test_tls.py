"""Whom `gs` trusts, and that nobody else gets a token."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from gs import tls
from gs.errors import GsError
from gs.http import Api

Start = Callable[..., str]


@pytest.fixture(autouse=True)
def _configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITSLICE_CONFIG_DIR", str(tmp_path / "config"))
    for name in ("GITSLICE_CA_FILE", "GITSLICE_ALLOW_HTTP", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tls, "_contexts", {})


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca(authority: trustme.CA, tmp_path: Path) -> str:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)


@pytest.fixture
def seen() -> list[str | None]:
    """The Authorization of every request that came through."""
    return []


@pytest.fixture
def start(seen: list[str | None]) -> Iterator[Start]:
    servers = []

    def starting(certificate: trustme.LeafCert | None = None, location: str = "") -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append(self.headers["Authorization"])
                self.send_response(302 if location else 200)
                self.send_header("Location", location)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return f"{'https' if certificate else 'http'}://localhost:{server.server_port}"

    yield starting
    for server in servers:
        server.shutdown()
        server.server_close()


def refused(endpoint: str) -> GsError:
    with pytest.raises(GsError) as raised:
        Api(endpoint, "gst_secret").get("me/")
    assert raised.value.exit_code == 2
    assert raised.value.hint
    return raised.value


@pytest.mark.parametrize("variable", ["GITSLICE_CA_FILE", "SSL_CERT_FILE"])
def test_a_certificate_of_a_known_authority(authority, ca, start, seen, monkeypatch, variable) -> None:
    monkeypatch.setenv(variable, ca)
    assert Api(start(authority.issue_cert("localhost")), "gst_secret").get("me/") == {}
    assert seen == ["Bearer gst_secret"]


def test_an_authority_that_nobody_knows(authority, start, seen) -> None:
    error = refused(start(authority.issue_cert("localhost")))
    assert "authority that this machine does not know" in error.message
    assert "gs config set ca" in str(error.hint)
    assert not seen


def test_an_expired_certificate(authority, ca, start, seen, monkeypatch) -> None:
    monkeypatch.setenv("GITSLICE_CA_FILE", ca)
    old = authority.issue_cert("localhost", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    assert "has expired" in refused(start(old)).message
    assert not seen


def test_a_certificate_for_another_name(authority, ca, start, seen, monkeypatch) -> None:
    monkeypatch.setenv("GITSLICE_CA_FILE", ca)
    assert "another name" in refused(start(authority.issue_cert("elsewhere.example"))).message
    assert not seen


def test_a_port_that_speaks_no_tls(start) -> None:
    assert "does not speak TLS" in refused(start().replace("http:", "https:")).message


def test_a_file_that_holds_no_certificates(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GITSLICE_CA_FILE", str(tmp_path / "missing"))
    with pytest.raises(GsError, match=r"missing cannot be used: No such file"):
        Api("https://localhost:1", "gst_secret").get("me/")
    (tmp_path / "missing").write_text("nothing")
    with pytest.raises(GsError, match="holds no certificate"):
        Api("https://localhost:1", "gst_secret").get("me/")


@pytest.mark.parametrize(
    "host", ["gitslice.example.com", "10.0.0.1", "127.evil.example", "[fe80::1]", "0.0.0.0"]
)
def test_plain_http_goes_to_this_machine_alone(host) -> None:
    error = refused(f"http://{host}:9")
    assert "plain HTTP" in error.message
    assert "GITSLICE_ALLOW_HTTP=1" in str(error.hint)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
def test_this_machine_is_this_machine(host) -> None:
    tls.require_private(f"http://{host}", host)


def test_plain_http_where_somebody_says_so(monkeypatch) -> None:
    monkeypatch.setenv("GITSLICE_ALLOW_HTTP", "0")
    with pytest.raises(GsError):
        tls.require_private("http://host.example", "host.example")
    monkeypatch.setenv("GITSLICE_ALLOW_HTTP", "1")
    tls.require_private("http://host.example", "host.example")


def test_a_working_directory_cannot_say_so(tmp_path) -> None:
    (tmp_path / ".gs").mkdir()
    (tmp_path / ".gs" / "config").write_text('allow_http = "1"\nca = "/tmp/theirs.pem"\n')
    refused("http://host.example")
    assert not tls.config.get("ca")


def test_no_token_follows_a_redirect(authority, ca, start, seen, monkeypatch) -> None:
    monkeypatch.setenv("GITSLICE_CA_FILE", ca)
    other = start()
    endpoint = start(authority.issue_cert("localhost"), location=f"{other}/api/v1/me/")
    assert other in refused(endpoint).message
    assert len(seen) == 1  # the other server has heard nothing
