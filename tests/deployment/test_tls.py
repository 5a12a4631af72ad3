"""`gs` through TLS: behind the nginx that we ship a configuration for, and against a web server that speaks it itself."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from accounts.models import AuditEvent
from cli.tests.people import Gs
from gitslice.configuration.declared import SETTINGS
from slices.api.manifests import MAX_WANTED_BYTES
from tests.deployment import nginx
from tests.processes import WebServer, server_environment
from tests.world import World

BIG = 3 << 20


@dataclass
class Front:
    """Where people reach the server by TLS."""

    port: int
    plain: int | None
    ca: str
    web: WebServer

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        context = ssl.create_default_context(cafile=self.ca)
        connection = http.client.HTTPSConnection("localhost", self.port, context=context, timeout=20)
        connection.request("GET", path, headers=headers)
        return connection.getresponse()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(params=["nginx", "gunicorn"])
def front(request, transactional_db, authority, tmp_path) -> Iterator[Front]:
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    settings = server_environment() | {"GITSLICE_WEB_WORKERS": "1"}
    with contextlib.ExitStack() as stack:
        if request.param == "nginx":
            nginx.ensure_installed()
            web = WebServer(
                settings | {"GITSLICE_SECURE": "1", "GITSLICE_TRUSTED_PROXIES": "127.0.0.1"}, configured=True
            )
            stack.callback(web.stop)
            folder = tmp_path / "nginx"
            folder.mkdir()
            port, plain = stack.enter_context(nginx.running(folder, web.port, authority))
            yield Front(port, plain, str(ca), web)
        else:
            certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
            issued = authority.issue_cert("localhost")
            issued.private_key_pem.write_to_path(str(key))
            issued.cert_chain_pems[0].write_to_path(str(certificate))
            own = {"GITSLICE_TLS_CERT": str(certificate), "GITSLICE_TLS_KEY": str(key)}
            web = WebServer(settings | own, configured=True)
            stack.callback(web.stop)
            yield Front(web.port, None, str(ca), web)


def test_people_work_through_tls(front: Front, tmp_path: Path) -> None:
    world = World()
    world.slice("web", "web/**")
    gs = Gs(front.web, tmp_path / "person", None)
    gs.environment |= {"GITSLICE_API_ENDPOINT": front.url}
    sign_in = ("auth", "login", "--endpoint", front.url, "--token", "-")
    token = world.token(world.owner)
    gs.run(*sign_in, stdin=token, code=2)  # nobody vouches for the certificate yet
    gs.run("config", "set", "ca", front.ca)
    gs.run(*sign_in, stdin=token)
    gs.run("init", "acme/web", "web")
    here = gs.at(gs.folder / "web")
    (here.folder / "web").mkdir(exist_ok=True)
    (here.folder / "web" / "big.bin").write_bytes(os.urandom(BIG))
    assert here.json("submit", "-m", "Big")["state"] == "merged"
    assert_streams(front, world)
    assert AuditEvent.objects.filter(token__isnull=False).latest("pk").address == "127.0.0.1"


def assert_streams(front: Front, world: World) -> None:
    """The stream's first sign of life comes at once, not when a buffer is full."""
    answer = front.get(
        "/api/v1/events/acme/",
        Accept="text/event-stream",
        Authorization=f"Bearer {world.token(world.owner)}",
    )
    assert answer.status == 200
    assert answer.readline().strip()
    answer.close()


def test_headers_come_once_and_old_protocols_never(front: Front) -> None:
    answer = front.get("/api/v1/me/", **{"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "http"})
    assert answer.status == 401
    names = [name.lower() for name, _ in answer.getheaders()]
    for name in (
        *("strict-transport-security", "content-security-policy", "x-frame-options"),
        *("x-content-type-options", "referrer-policy"),
    ):
        assert names.count(name) == 1, name
    assert "content-encoding" not in names
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", front.port)) as raw, pytest.raises(ssl.SSLError):
        old.wrap_socket(raw)


@pytest.mark.parametrize("front", ["nginx"], indirect=True)
def test_nginx_speaks_http_2_redirects_and_answers_for_a_server_that_is_away(front: Front) -> None:
    context = ssl.create_default_context(cafile=front.ca)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", front.port)) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"
    plain = http.client.HTTPConnection("127.0.0.1", front.plain or 0, timeout=10)
    plain.request("GET", "/slices/?a=1", headers={"Host": "localhost"})
    moved = plain.getresponse()
    assert (moved.status, moved.getheader("Location")) == (301, "https://localhost/slices/?a=1")
    front.web.stop()
    away = front.get("/login/")
    assert away.status == 502
    assert away.getheader("Strict-Transport-Security")


def test_the_shipped_limits_are_those_of_the_settings() -> None:
    text = nginx.SHIPPED.read_text()
    small, large, upload = re.findall(r"client_max_body_size (\d+)([mg]);", text)
    units = {"m": 20, "g": 30}
    setting = SETTINGS["GITSLICE_MAX_PACK_BYTES"]
    assert int(large[0]) << units[large[1]] == setting.kind.parse(setting.default)
    files = SETTINGS["GITSLICE_MAX_UPLOAD_BYTES"]
    assert int(upload[0]) << units[upload[1]] == files.kind.parse(files.default)
    form = SETTINGS["GITSLICE_MAX_FORM_BYTES"]
    assert int(small[0]) << units[small[1]] >= max(form.kind.parse(form.default), MAX_WANTED_BYTES)
