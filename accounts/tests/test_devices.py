"""The device authorization grant: RFC 8628 from both sides, and who guesses codes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from accounts.api.oauth import DEVICE_CODE
from accounts.devices import services
from accounts.devices.codes import LETTERS, new_user_code, user_digest
from accounts.devices.models import CodeGuess, DeviceGrant
from accounts.models import ApiToken, AuditEvent, User
from accounts.people.activation import deactivate_user, reactivate_user
from accounts.tasks import forget_old_device_grants
from tests.api import Api
from tests.pages import Pages, text_of
from tests.world import World

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def world():
    return World()


class Program:
    """A program that signs in: it has neither cookies nor a token."""

    def __init__(self) -> None:
        self.client = Client()

    def begin(self, **fields: str) -> Any:
        return self._post("device_authorization", {"client_id": "gs"} | fields)

    def ask(self, device_code: str, **fields: str) -> Any:
        form = {"grant_type": DEVICE_CODE, "device_code": device_code, "client_id": "gs"} | fields
        return self._post("token", form)

    def error(self, device_code: str, **fields: str) -> str:
        answer = self.ask(device_code, **fields)
        assert (answer.status_code, answer["Cache-Control"]) == (400, "no-store")
        assert answer["Content-Type"].startswith("application/json")
        return answer.json()["error"]

    def _post(self, path: str, form: dict[str, str]) -> Any:
        return self.client.post(f"/api/v1/oauth/{path}/", urlencode(form), FORM)


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.fixture
def asked(program) -> dict[str, Any]:
    answer = program.begin(device_name="laptop", scope="read write")
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    return answer.json()


@pytest.fixture
def page(world) -> Pages:
    return Pages(world.owner)


def allow(page: Pages, code: str, decision: str = "allow") -> str:
    return text_of(page.post("/device/decide/", user_code=code, decision=decision))


def wait(seconds: int) -> None:
    """As if so much time had passed since the program asked."""
    for grant in DeviceGrant.objects.exclude(asked_at=None):
        grant.asked_at -= timedelta(seconds=seconds)
        grant.save()


def test_a_program_is_told_where_to_send_people(asked, settings):
    assert re.fullmatch(f"[{LETTERS}]{{4}}-[{LETTERS}]{{4}}", asked["user_code"])
    assert asked["verification_uri"] == f"{settings.GITSLICE_PUBLIC_URL}/device/"
    complete = urlsplit(asked["verification_uri_complete"])
    assert parse_qs(complete.query) == {"user_code": [asked["user_code"]]}
    assert (asked["expires_in"], asked["interval"]) == (600, 5)
    assert len(asked["device_code"]) >= 43


def test_codes_are_stored_hashed(asked):
    grant = DeviceGrant.objects.get()
    assert len(grant.device_digest) == len(grant.user_digest) == 32
    stored = repr(DeviceGrant.objects.values().get())
    assert asked["device_code"] not in stored
    assert asked["user_code"] not in stored


def test_who_allows_it_is_signed_in_there(world, program, asked, page, settings):
    assert program.error(asked["device_code"]) == "authorization_pending"
    shown = text_of(page.post("/device/", user_code=asked["user_code"].lower().replace("-", " ")))
    for fact in (
        "act as acme-owner",
        "gs, the command line",
        "laptop",
        "127.0.0.1",
        "just now",
        "read what",
        "write:",
    ):
        assert fact in shown, shown
    assert "administer" not in shown
    assert "gs on laptop is signed in as you" in allow(page, asked["user_code"])
    answer = program.ask(asked["device_code"])
    body = answer.json()
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert (body["token_type"], body["scope"]) == ("Bearer", "read write")
    assert body["expires_in"] == settings.GITSLICE_DEVICE_TOKEN_DAYS * 86400
    me = Api(body["access_token"]).get("me/").json()
    assert (me["user"], me["token"]["name"], me["token"]["scopes"]) == (
        "acme-owner",
        "gs on laptop",
        ["read", "write"],
    )
    assert AuditEvent.objects.filter(action="device.allow", actor=world.owner, object="gs on laptop").exists()


def test_a_code_gives_one_token(program, asked, page):
    allow(page, asked["user_code"])
    assert program.ask(asked["device_code"]).status_code == 200
    assert program.error(asked["device_code"]) == "invalid_grant"
    assert ApiToken.objects.count() == 1
    assert "no program waits" in allow(page, asked["user_code"]).lower()


def test_who_denies_it_turns_it_away(program, asked, page):
    assert "turned away" in allow(page, asked["user_code"], "deny")
    assert program.error(asked["device_code"]) == "access_denied"
    assert ApiToken.objects.count() == 0
    assert AuditEvent.objects.filter(action="device.deny").exists()


def test_nothing_but_allow_allows(program, asked, page):
    allow(page, asked["user_code"], "")
    assert program.error(asked["device_code"]) == "access_denied"


def test_who_asks_too_often_is_slowed_down(program, asked, page):
    code = asked["device_code"]
    assert [program.error(code) for _ in range(3)] == ["authorization_pending", "slow_down", "slow_down"]
    assert DeviceGrant.objects.get().interval == 15
    wait(14)
    assert program.error(code) == "slow_down"
    wait(21)
    assert program.error(code) == "authorization_pending"
    allow(page, asked["user_code"])
    assert program.ask(code).status_code == 200


def test_codes_expire(program, asked, page):
    DeviceGrant.objects.update(expires_at=timezone.now())
    assert program.error(asked["device_code"]) == "expired_token"
    assert page.client.post("/device/", {"user_code": asked["user_code"]}).status_code == 404
    assert "no program waits" in allow(page, asked["user_code"]).lower()
    assert DeviceGrant.objects.get().state == "pending"


def test_an_allowed_code_expires_too(program, asked, page):
    allow(page, asked["user_code"])
    DeviceGrant.objects.update(expires_at=timezone.now())
    assert program.error(asked["device_code"]) == "expired_token"


def test_a_deactivated_user_signs_nobody_in(world, program, asked, page):
    allow(page, asked["user_code"])
    User.objects.filter(pk=world.owner.pk).update(is_active=False)
    assert program.error(asked["device_code"]) == "access_denied"
    assert ApiToken.objects.count() == 0


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"device_code": ""}, 400, "invalid_request"),
        ({"device_code": "x" * 43}, 400, "invalid_grant"),
        ({"device_code": "\0"}, 400, "invalid_grant"),
        ({"client_id": ""}, 400, "invalid_request"),
        ({"client_id": "else"}, 401, "invalid_client"),
    ],
)
def test_wrong_questions_are_refused(program, asked, fields, status, error):
    answer = program.ask(fields.pop("device_code", asked["device_code"]), **fields)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"client_id": ""}, 400, "invalid_request"),
        ({"client_id": "else"}, 401, "invalid_client"),
        ({"scope": "read root"}, 400, "invalid_scope"),
    ],
)
def test_wrong_beginnings_are_refused(program, fields, status, error):
    answer = program.begin(**fields)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert not DeviceGrant.objects.exists()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [("", "application/json"), ("{}", "application/json"), ("client_id=gs&client_id=gs", FORM), ("", FORM)],
)
def test_what_is_no_form_is_refused(client, body, content_type):
    for path in ("device_authorization", "token"):
        answer = client.post(f"/api/v1/oauth/{path}/", body, content_type)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_long_body_is_refused(client):
    answer = client.post("/api/v1/oauth/token/", "client_id=" + "x" * 20_000, FORM)
    assert answer.status_code == 413


def test_names_of_devices_are_cut_and_plain(program, page):
    code = program.begin(device_name="<b>\x1b[31m\0" + "x" * 300).json()["user_code"]
    assert DeviceGrant.objects.get().device_name == "<b>[31m" + "x" * 93
    assert "<b>" not in page.post("/device/", user_code=code)


def test_the_page_is_for_who_is_signed_in(asked, client, world):
    answer = client.get("/device/", {"user_code": asked["user_code"]})
    assert answer.status_code == 302
    target = urlsplit(answer["Location"])
    assert (target.path, parse_qs(target.query)["next"]) == (
        "/login/",
        [f"/device/?user_code={asked['user_code']}"],
    )
    answer = client.post("/device/decide/", {"user_code": asked["user_code"], "decision": "allow"})
    assert answer["Location"].startswith("/login/")
    assert DeviceGrant.objects.get().state == "pending"


def test_who_asks_from_elsewhere_stands_out(asked, page):
    assert "127.0.0.1 , like yours" in text_of(page.post("/device/", user_code=asked["user_code"]))
    DeviceGrant.objects.update(address="203.0.113.7")
    assert "203.0.113.7 , not yours" in text_of(page.post("/device/", user_code=asked["user_code"]))


def test_a_link_with_the_code_only_fills_it_in(asked, page):
    html = page.get("/device/", user_code=asked["user_code"])
    assert f'value="{asked["user_code"]}"' in html
    assert "laptop" not in html
    assert DeviceGrant.objects.get().state == "pending"
    assert page.client.get("/device/")["Cache-Control"].startswith("max-age=0, no-cache, no-store")


def test_forms_need_their_token(asked, world):
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.owner)
    form = {"user_code": asked["user_code"], "decision": "allow"}
    assert client.post("/device/decide/", form).status_code == 403
    assert client.get("/device/decide/").status_code == 405


def test_guessing_user_codes_is_throttled(world, asked, page):
    for _ in range(services.MOST_GUESSES):
        wrong = page.client.post("/device/", {"user_code": new_user_code()})
        assert wrong.status_code == 404
        assert "no program waits with this code" in wrong.content.decode().lower()
    assert page.client.post("/device/", {"user_code": asked["user_code"]}).status_code == 429
    assert "too many wrong codes" in allow(page, asked["user_code"])
    assert DeviceGrant.objects.get().state == "pending"
    other = Pages(world.user("other"))
    assert "laptop" in other.post("/device/", user_code=asked["user_code"])
    CodeGuess.objects.update(at=timezone.now() - services.LIFETIME)
    assert "laptop" in page.post("/device/", user_code=asked["user_code"])


def test_right_codes_are_no_guesses(asked, page):
    for _ in range(services.MOST_GUESSES + 1):
        page.post("/device/", user_code=asked["user_code"])
    assert not CodeGuess.objects.exists()


def test_one_address_does_not_begin_without_end(program, monkeypatch):
    monkeypatch.setattr(services, "MOST_WAITING", 3)
    assert [program.begin().status_code for _ in range(4)] == [200, 200, 200, 429]
    assert int(program.begin()["Retry-After"]) > 0
    DeviceGrant.objects.update(created_at=timezone.now() - services.LIFETIME)
    assert program.begin().status_code == 200


def test_two_people_do_not_both_decide(world, asked):
    grant = services.find_grant(actor=world.owner, user_code=asked["user_code"])
    services.decide_grant(actor=world.owner, grant=grant, allow=False)
    with pytest.raises(services.UnknownCode):
        services.decide_grant(actor=world.user("other"), grant=grant, allow=True)


def test_how_a_code_is_typed_does_not_matter():
    assert len({user_digest(text) for text in ("WDJB-MJHT", "wdjbmjht", " wdjb mjht ")}) == 1
    assert user_digest("WDJB-MJHT") != user_digest("WDJB-MJHX")
    assert len({new_user_code() for _ in range(100)}) == 100


def test_what_is_over_is_forgotten(asked, program):
    DeviceGrant.objects.update(expires_at=timezone.now() - services.KEPT)
    kept = program.begin().json()
    assert forget_old_device_grants() == 1
    assert program.error(kept["device_code"]) == "authorization_pending"


def test_tokens_may_live_without_end(program, asked, page, settings):
    settings.GITSLICE_DEVICE_TOKEN_DAYS = 0
    allow(page, asked["user_code"])
    assert "expires_in" not in program.ask(asked["device_code"]).json()
    assert ApiToken.objects.get().expires_at is None


def test_what_was_allowed_before_a_deactivation_gives_no_token_after_it(world, program, asked, page):
    ann = world.user("ann")
    allow(Pages(ann), asked["user_code"])
    given = {"actor": world.owner, "organization": world.organization, "user": ann}
    deactivate_user(**given)
    reactivate_user(**given)
    assert program.error(asked["device_code"]) == "access_denied"
