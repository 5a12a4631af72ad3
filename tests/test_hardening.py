"""What keeps abuse out of every page and endpoint: limits, addresses, headers, bodies, logs."""

from __future__ import annotations

import io
import logging
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network

import orjson
import pytest
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import rate_limits
from accounts.models import AuditEvent, User
from accounts.services import create_user
from gitslice.common import limits as counting
from gitslice.common.addresses import client_address, neighbourhood
from gitslice.common.logs import without_secrets
from gitslice.telemetry.logs import formatter
from tests.api import Api, code_of
from tests.pages import Pages, text_of
from tests.processes import REPOSITORY, WebServer, server_environment
from tests.world import World

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
PASSWORD = "correct horse battery"


@pytest.fixture
def world(db):
    return World()


@pytest.fixture(autouse=True)
def _counted_anew():
    rate_limits._accounts.clear()
    counting._away_until = 0.0


@pytest.mark.parametrize(
    ("remote", "forwarded", "found"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "1.2.3.4", "192.0.2.1"),  # who is no proxy of ours may say what they like
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),  # the client wrote the first itself
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        ("10.0.0.1", "10.0.0.9, 10.0.0.2", "10.0.0.9"),
        ("10.0.0.1", "1.2.3.4, nonsense", "10.0.0.1"),
        ("10.0.0.1", "nonsense, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", " 1.2.3.4:5678 ", "1.2.3.4"),
        ("fd00::1", "[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:10.0.0.1", "::ffff:1.2.3.4", "1.2.3.4"),
        ("", "1.2.3.4", None),
    ],
)
def test_an_address_is_believed_as_far_as_our_proxies_say_it(remote, forwarded, found):
    assert client_address(remote, forwarded, TRUSTED) == found


def test_a_network_of_ipv6_counts_as_one():
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:1") == "2001:db8::"
    assert neighbourhood("192.0.2.1") == "192.0.2.1"


def addresses_of_audit(world: World, settings, **sent: str) -> str:
    Client().post(
        "/api/v1/tokens/",
        orjson.dumps({"name": "x"}),
        "application/json",
        headers={"Authorization": f"Bearer {world.token(world.owner)}"},
        **sent,
    )
    return AuditEvent.objects.filter(action="token.create").latest("pk").address


def test_the_audit_trail_has_the_address_that_is_true(world, settings):
    sent = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 1.2.3.4"}
    assert addresses_of_audit(world, settings, **sent) == "10.0.0.1"
    settings.GITSLICE_TRUSTED_PROXIES = TRUSTED
    assert addresses_of_audit(world, settings, **sent) == "1.2.3.4"
    assert addresses_of_audit(world, settings, **(sent | {"REMOTE_ADDR": "192.0.2.1"})) == "192.0.2.1"


def statuses(times: int, ask) -> list[int]:
    """In one window, which begins anew if it is about to end."""
    if time.time() % 60 > 55:
        time.sleep(60 - time.time() % 60)
    return [ask().status_code for _ in range(times)]


def test_an_address_asks_so_often_and_no_more(world, settings):
    settings.GITSLICE_LIMIT_ADDRESS = 3
    client = Client()
    assert statuses(4, lambda: client.get("/api/v1/me/")) == [401] * 3 + [429]
    assert code_of(client.get("/api/v1/me/")) == (429, "rate_limited")
    assert 1 <= int(client.get("/api/v1/me/")["Retry-After"]) <= 60
    page = client.get("/slices/")
    assert page.status_code == 429
    assert page["Retry-After"]
    assert page["Content-Security-Policy"]
    assert "Too many requests" in text_of(page.content.decode())
    assert client.get("/livez").status_code == 200
    assert client.get("/api/v1/me/", REMOTE_ADDR="192.0.2.9").status_code == 401


def test_spoofing_does_not_help(world, settings):
    settings.GITSLICE_LIMIT_ADDRESS = 3
    client, number = Client(), iter(range(100))
    ask = lambda: client.get("/api/v1/me/", HTTP_X_FORWARDED_FOR=f"1.2.3.{next(number)}")  # noqa: E731
    assert statuses(4, ask)[-1] == 429
    settings.GITSLICE_TRUSTED_PROXIES = TRUSTED
    client, invented = Client(REMOTE_ADDR="10.0.0.1"), iter(range(100))
    ask = lambda: client.get("/api/v1/me/", HTTP_X_FORWARDED_FOR=f"6.6.6.{next(invented)}, 1.2.3.4")  # noqa: E731
    assert statuses(4, ask)[-1] == 429


def test_a_token_is_limited_wherever_it_is_used_from(world, settings):
    settings.GITSLICE_LIMIT_TOKEN = 2
    headers = {"Authorization": f"Bearer {world.token(world.owner)}"}
    number = iter(range(100))
    ask = lambda: Client().get("/api/v1/me/", headers=headers, REMOTE_ADDR=f"192.0.2.{next(number)}")  # noqa: E731
    assert statuses(3, ask) == [200, 200, 429]
    other = {"Authorization": f"Bearer {world.token(world.owner)}"}
    assert Client().get("/api/v1/me/", headers=other).status_code == 200


def test_an_account_is_limited_over_all_its_tokens_and_sessions(world, settings):
    settings.GITSLICE_LIMIT_ACCOUNT = 4
    apis = [Api(world.token(world.owner)) for _ in range(2)]
    for api in apis:
        assert api.get("me/").status_code == 200  # a token's first request is not counted yet
    pages = Pages(world.owner)
    assert statuses(2, lambda: apis[0].get("me/")) == [200] * 2
    assert statuses(2, lambda: pages.client.get("/slices/")) == [200] * 2
    assert apis[1].get("me/").status_code == 429
    assert pages.status("/slices/") == 429
    assert Api(world.token(world.user("ann"))).get("me/").status_code == 200


def test_no_limit_is_none(world, settings):
    settings.GITSLICE_LIMIT_ADDRESS = 0
    assert statuses(5, lambda: Client().get("/api/v1/me/")) == [401] * 5


def test_without_redis_everything_passes_and_fast(world, settings, caplog):
    settings.GITSLICE_LIMIT_ADDRESS = 1
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}
    began = time.monotonic()
    assert statuses(50, lambda: Client().get("/api/v1/me/")) == [401] * 50
    assert time.monotonic() - began < 2
    assert caplog.text.count("requests are not counted") == 1


def sign_in(username: str, password: str, **sent: str) -> int:
    return Client().post("/login/", {"login": username, "password": password}, **sent).status_code


@pytest.fixture
def ann(world, settings):
    settings.GITSLICE_LIMIT_SIGN_INS = 3
    if time.time() % 300 > 290:
        time.sleep(300 - time.time() % 300)
    return create_user(username="ann", password=PASSWORD)


def test_passwords_are_not_tried_for_long(ann):
    assert [sign_in("ann", "wrong") for _ in range(3)] == [200] * 3
    assert sign_in("ann", PASSWORD) == 429
    assert sign_in("ANN", PASSWORD) == 429
    assert sign_in("ann", PASSWORD, REMOTE_ADDR="192.0.2.9") == 302  # nobody else is locked out
    answer = Client().post("/login/", {"login": "ann", "password": "x"})
    assert 1 <= int(answer["Retry-After"]) <= 300


def test_nor_from_everywhere_nor_for_everybody(ann):
    assert [sign_in("ann", "x", REMOTE_ADDR=f"192.0.2.{n}") for n in range(31)][-2:] == [200, 429]
    assert [sign_in(f"user{n}", "x", REMOTE_ADDR="192.0.3.1") for n in range(16)][-2:] == [200, 429]


def test_who_signs_in_has_spent_nothing(ann):
    for _ in range(12):
        assert sign_in("ann", PASSWORD) == 302
        assert sign_in("ann", "a slip") == 200


def every_route(resolver=None, prefix: str = "/") -> Iterator[str]:
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from every_route(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield route


FILLED = {"int": "1", "uuid": "0f5b1f2e-1f60-4f7c-9a54-0a3f8b3c2d11", "str": "acme", "path": "a", "slug": "a"}


def test_every_endpoint_refuses_a_body_that_is_too_large(world):
    client = Pages(world.owner).client
    asked = 0
    for route in every_route():
        if "(?P" in route or route.startswith("/static"):
            continue
        path = re.sub(r"<(?:(\w+):)?\w+>", lambda match: FILLED[match[1] or "str"], route)
        sent = {"CONTENT_LENGTH": str(9 << 30), "CONTENT_TYPE": "application/x-www-form-urlencoded"}
        answer = client.generic("POST", path, b"", **sent)
        assert answer.status_code == 413, (path, answer.status_code)
        asked += 1
    assert asked > 80
    assert code_of(client.generic("POST", "/api/v1/tokens/", b"", CONTENT_LENGTH="1048577"))[0] == 413


@pytest.mark.parametrize(
    "path", ["/slices/", "/login/", "/api/v1/me/", "/livez", "/no/such/page", "/admin/login/"]
)
def test_every_answer_has_its_policies(world, path):
    answer = Client().get(path)
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


def test_passwords_are_hashed_with_argon2():
    program = "import django; django.setup(); from django.contrib.auth.hashers import make_password as m; print(m('x'))"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "gitslice.settings"}
    hashed = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=REPOSITORY, capture_output=True
    )
    assert hashed.stdout.startswith(b"argon2$argon2id$")


def test_the_deployment_check_has_nothing_to_say():
    command = [sys.executable, "-W", "ignore", "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    environment = os.environ | {"GITSLICE_SECURE": "1", "DJANGO_SETTINGS_MODULE": "gitslice.settings"}
    check = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True)
    assert check.returncode == 0, check.stderr
    assert "no issues" in check.stdout


SECRET = "gst_" + "Abcdefgh-_" * 4


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"GET /slices/?token={SECRET} failed",
        f"headers={{'Authorization': 'Bearer {SECRET}'}}",
        f"postgresql://gitslice:{SECRET}@db:5432/gitslice",
        f"redis://:{SECRET}@db/0",
        f"password='{SECRET}', sessionid={SECRET}; x",
        f'{{"password": "{SECRET}"}}',
        f"just {SECRET}",
        f"a directory's {SECRET.replace('gst', 'gsc')}",
        f"Bad Request: https://gitslice.example/invitations/{SECRET[4:]}/",
        f"Internal Server Error: /account/password/reset/1a-{SECRET[4:]}/",
        f"Not Found: /account/email/MQ:{SECRET[4:]}:x/",
    ],
)
def test_lines_of_the_log_hide_secrets(text):
    shown = without_secrets(text)
    assert "Abcdefgh" not in shown
    assert "[hidden]" in shown


def test_ordinary_lines_stay_as_they_are():
    for text in (
        "GET http://localhost:8000/slices/ 404",
        "the token is unknown",
        "Forbidden: /acme/invitations/12/revoke/ /account/email/ /account/password/reset/sent/",
        "ann@example.com signed in",
    ):
        assert without_secrets(text) == text


def test_tracebacks_hide_them_too():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter("json"))
    logger = logging.getLogger("test_hardening")
    logger.addHandler(handler)
    try:
        raise RuntimeError(f"no such token: {SECRET}")
    except RuntimeError:
        logger.exception("failed for %s", SECRET)
    assert "RuntimeError" in stream.getvalue()
    assert "Abcdefgh" not in stream.getvalue()


@contextmanager
def broken_database() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE slices_slice RENAME TO slices_away")
        try:
            yield
        finally:
            cursor.execute("ALTER TABLE slices_away RENAME TO slices_slice")


@pytest.mark.django_db(transaction=True)
def test_no_secret_stands_in_the_log_of_a_web_process_and_no_traceback_in_its_answers(tmp_path):
    """Failures of every kind on the real thing, with secrets wherever one can put them."""
    world = World()
    token, log = world.token(world.owner), tmp_path / "log"
    with log.open("wb") as written:
        server = WebServer(server_environment() | {"GITSLICE_LOG_LEVEL": "DEBUG"}, errors=written)
    try:

        def ask(
            path: str, method: str = "GET", body: bytes | None = None, **headers: str
        ) -> tuple[int, str, str]:
            request = urllib.request.Request(server.url + path, body, headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return answer.status, answer.read().decode(), str(answer.headers)
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode(), str(error.headers)

        bearer = {"Authorization": f"Bearer {token}"}
        answers = [
            ask("/api/v1/me/", **bearer),
            ask("/api/v1/me/", Authorization=f"Bearer {token}x"),
            ask(f"/slices/?token={token}", Cookie=f"sessionid={token}"),
            ask(f"/no/such/page/{token}"),
            ask("/api/v1/tokens/", "POST", f'{{"name": "{token}'.encode(), **bearer),
            ask("/login/", "POST", f"username={token}&password={token}".encode()),
            ask("/api/v1/me/", Host=f"{token}.invalid..", **bearer),
        ]
        with broken_database():
            answers += [ask("/api/v1/slices/", **bearer), ask(f"/acme/slices/?token={token}", **bearer)]
        assert [status for status, _, _ in answers][:2] == [200, 401]
        assert 500 in [status for status, _, _ in answers]
        for status, body, headers in answers:
            assert "Traceback" not in body, status
            assert "django" not in (body + headers).lower(), status
            assert not re.search(r"Server: .*\d", headers)
    finally:
        server.stop()
    text = log.read_text()
    assert "Traceback" in text
    assert token.removeprefix("gst_") not in text


@pytest.mark.parametrize(
    "path", ["/slices/", "/acme/slices/", "/account/", "/api/v1/me/", "/admin/", "/no/such/"]
)
def test_no_proxy_between_keeps_what_it_carries(world, path):
    User.objects.filter(pk=world.owner.pk).update(is_staff=True, is_superuser=True)
    answer = Pages(User.objects.get(pk=world.owner.pk)).client.get(path)
    assert "private" in answer["Cache-Control"] or "no-store" in answer["Cache-Control"]
