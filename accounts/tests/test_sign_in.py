"""Passwords, second factor, sessions: as a browser without JavaScript goes through them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.models import AuditEvent, IdentityProvider, User
from accounts.sessions import SessionStore
from accounts.tasks import forget_sessions
from gitslice.common.secrets import unseal
from tests.pages import text_of
from tests.world import World

pytestmark = pytest.mark.django_db

PASSWORD, NEW_PASSWORD = "correct-horse-battery", "staple-battery-horse"


@pytest.fixture
def ann(settings) -> User:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return services.create_user(username="ann", email="ann@acme.example", password=PASSWORD)


@pytest.fixture
def signed_in(ann) -> Client:
    client = Client()
    assert sign_in(client).redirect_chain[0][0] == "/"
    return client


def sign_in(client: Client, login: str = "ann", password: str = PASSWORD, **extra: str):
    return client.post("/login/", {"login": login, "password": password}, follow=True, **extra)


def who(client: Client) -> str:
    found = re.search(r"Signed in as <strong>([^<]*)", client.get("/slices/").content.decode())
    return found[1] if found else ""


def page(response) -> str:
    return text_of(response.content.decode())


def code_for(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


@pytest.mark.parametrize("login", ["ann", "ann@acme.example", "Ann@Acme.example"])
def test_one_signs_in_by_name_or_address(ann, login):
    client = Client()
    sign_in(client, login)
    assert who(client) == "ann"
    assert AuditEvent.objects.get(action="user.sign_in").detail == {"by": ["password"]}


def test_one_comes_back_to_where_one_wanted_to_go_but_never_elsewhere(ann):
    client = Client()
    data = {"login": "ann", "password": PASSWORD}
    assert client.post("/login/", data | {"next": "/changesets/"})["Location"] == "/changesets/"
    client.post("/logout/")
    assert client.post("/login/", data | {"next": "https://evil.example/"})["Location"] == "/"


def test_a_wrong_password_does_not_tell_whether_the_name_exists(ann):
    wrong = page(sign_in(Client(), "ann", "wrong"))
    assert wrong.replace("ann", "") == page(sign_in(Client(), "nobody", "wrong")).replace("nobody", "")
    assert "not correct" in wrong
    refused = AuditEvent.objects.filter(action="user.sign_in_refused").order_by("pk")
    assert list(refused.values_list("object", flat=True)) == ["ann", "unknown user"]


def test_attempts_are_limited_whatever_address_is_claimed(ann):
    for number in range(10):
        sign_in(Client(), "ann", "wrong", headers={"X-Forwarded-For": f"203.0.113.{number}"})
    late = sign_in(Client(), "ann", PASSWORD, headers={"X-Forwarded-For": "203.0.113.99"})
    assert late.status_code == 429


def test_the_deactivated_do_not_come_in(ann):
    User.objects.update(is_active=False)
    client = Client()
    assert "is deactivated" in page(sign_in(client))
    assert who(client) == ""


def test_deactivation_ends_sessions(signed_in, ann):
    assert who(signed_in) == "ann"
    User.objects.update(is_active=False)
    assert who(signed_in) == ""


def test_signing_out_is_a_post(signed_in):
    signed_in.get("/logout/")
    assert who(signed_in) == "ann"
    signed_in.post("/logout/")
    assert who(signed_in) == ""
    assert AuditEvent.objects.filter(action="user.sign_out").count() == 1


def test_the_admin_has_no_door_of_its_own(ann):
    response = Client().get("/admin/login/")
    assert response["Location"].startswith("/login/?next=")
    assert Client().post("/admin/login/", {"username": "ann", "password": PASSWORD}).status_code == 302


def new_account(client: Client, email: str = "new@acme.example"):
    data = {"username": "new", "email": email, "password1": PASSWORD, "password2": PASSWORD}
    return client.post("/account/new/", data, follow=True)


def test_nobody_makes_an_account_unasked(ann):
    assert "by invitation" in page(Client().get("/account/new/"))
    assert "by invitation" in page(new_account(Client()))
    assert not User.objects.filter(username="new").exists()


def test_who_makes_an_account_shows_that_the_address_is_theirs(ann, settings):
    settings.GITSLICE_OPEN_SIGN_UP = True
    client = Client()
    assert "Look into your mail" in page(new_account(client))
    assert who(client) == ""
    assert "Look into your mail" in page(sign_in(client, "new"))
    link = re.search(r"/account/email/\S+", mail.outbox[0].body)[0]
    client.post(link)
    sign_in(client, "new")
    assert who(client) == "new"


def test_weak_passwords_are_refused_everywhere(ann, settings, signed_in):
    data = {"oldpassword": PASSWORD, "password1": "password12", "password2": "password12"}
    assert "too common" in page(signed_in.post("/account/password/", data))


def test_a_changed_password_is_the_new_one(signed_in, ann):
    data = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    signed_in.post("/account/password/", data)
    assert who(signed_in) == "ann"
    client = Client()
    sign_in(client, "ann", NEW_PASSWORD)
    assert who(client) == "ann"
    assert AuditEvent.objects.filter(action="user.password_change", actor=ann).exists()


def test_a_forgotten_password_is_set_anew_by_mail(ann):
    client = Client()
    client.post("/account/password/reset/", {"email": "ann@acme.example"})
    link = re.search(r"/account/password/reset/\S+", mail.outbox[0].body)[0]
    form = client.get(link, follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    sign_in(client, "ann", NEW_PASSWORD)
    assert who(client) == "ann"
    assert "does not work any more" in page(Client().get(link, follow=True))


def test_asking_for_a_new_password_does_not_tell_who_has_an_account(ann):
    known = Client().post("/account/password/reset/", {"email": "ann@acme.example"}, follow=True)
    unknown = Client().post("/account/password/reset/", {"email": "nobody@acme.example"}, follow=True)
    assert page(known) == page(unknown)


def test_a_second_factor_is_changed_by_who_knows_the_password(signed_in):
    answer = signed_in.get("/account/second-factor/totp/activate/")
    assert answer["Location"].startswith("/account/reauthenticate/")


def test_other_sessions_can_be_ended(signed_in):
    other = Client()
    sign_in(other)
    assert page(signed_in.get("/account/sessions/")).count("127.0.0.1") == 2
    signed_in.post("/account/sessions/")
    assert who(other) == ""
    assert who(signed_in) == "ann"


def test_sessions_that_are_over_are_forgotten(signed_in, settings):
    old, gone = Client(), Client()
    sign_in(old)
    sign_in(gone)
    Session.objects.filter(pk=old.session.session_key).update(expire_date=timezone.now() - timedelta(hours=1))
    Session.objects.filter(pk=gone.session.session_key).delete()
    assert UserSession.objects.count() == 3
    assert forget_sessions() == 1
    assert UserSession.objects.get().session_key == signed_in.session.session_key
    assert (who(signed_in), who(old)) == ("ann", "")
    assert "accounts.forget_sessions" in {each["task"] for each in settings.CELERY_BEAT_SCHEDULE.values()}


def confirm(client: Client) -> None:
    """Enter the password again, as changes of how one signs in ask for."""
    client.post("/account/reauthenticate/", {"password": PASSWORD})


def activate(client: Client) -> str:
    """The secret of a second factor that is now on."""
    confirm(client)
    html = client.get("/account/second-factor/totp/activate/").content.decode()
    secret = re.search(r'data-copy="([A-Z2-7]+)"', html)[1]
    client.post("/account/second-factor/totp/activate/", {"code": code_for(secret)})
    return secret


@pytest.mark.django_db(transaction=True)
def test_a_second_factor_is_asked_for_and_kept_sealed(signed_in, ann):
    secret = activate(signed_in)
    kept = Authenticator.objects.get(type="totp").data["secret"]
    assert kept != secret
    assert unseal(kept) == secret
    client = Client()
    assert "code" in page(sign_in(client))
    assert who(client) == ""
    client.post("/account/second-factor/authenticate/", {"code": "000000"})
    assert who(client) == ""
    client.post("/account/second-factor/authenticate/", {"code": code_for(secret)})
    assert who(client) == "ann"
    assert AuditEvent.objects.filter(action="user.second_factor_add", actor=ann).exists()


def test_recovery_codes_open_once(signed_in, ann):
    activate(signed_in)
    html = signed_in.get("/account/second-factor/recovery-codes/").content.decode()
    code = re.search(r"<li>(\d{8})</li>", html)[1]
    assert code not in str(list(Authenticator.objects.values_list("data", flat=True)))
    for expected in ("ann", ""):
        client = Client()
        sign_in(client)
        client.post("/account/second-factor/authenticate/", {"code": code})
        assert who(client) == expected


def test_codes_are_tried_only_so_often(signed_in):
    activate(signed_in)
    client = Client()
    sign_in(client)
    answers = [
        client.post("/account/second-factor/authenticate/", {"code": f"{number:06}"}) for number in range(12)
    ]
    assert "Too many failed" in page(answers[-1])


PAGES = [
    "/account/",
    "/account/email/",
    "/account/password/",
    "/account/second-factor/",
    "/account/second-factor/totp/activate/",
    "/account/second-factor/webauthn/",
    "/account/second-factor/webauthn/add/",
    "/account/sessions/",
    "/account/connections/",
]
ENTRANCES = ["/login/", "/sso/", "/account/new/", "/account/password/reset/", "/account/inactive/"]


@pytest.mark.parametrize("path", PAGES + ENTRANCES)
def test_every_page_is_one_of_ours_and_runs_nothing_inline(signed_in, path):
    client = signed_in if path in PAGES else Client()
    confirm(client)
    response = client.get(path)
    html = response.content.decode()
    assert response.status_code == 200, response
    assert "components.css" in html
    assert "unsafe" not in response["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*(\bsrc=|application/json))", html)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)
    assert html.count("<h1") == 1


@pytest.mark.parametrize("path", PAGES)
def test_strangers_are_asked_to_sign_in(ann, path):
    assert Client().get(path)["Location"].startswith("/login/?next=")


def test_the_account_page_offers_single_sign_on_of_ones_organizations(signed_in, ann):
    world = World()
    services.add_member(actor=world.owner, organization=world.organization, user=ann)
    assert "Single sign-on" not in page(signed_in.get("/account/"))
    provider = IdentityProvider.objects.create(organization=world.organization, protocol="oidc", active=True)
    assert 'action="/sso/to/acme/"' in signed_in.get("/account/").content.decode()
    SocialAccount.objects.create(user=ann, provider=provider.key, uid="1")
    shown = signed_in.get("/account/").content.decode()
    assert 'action="/sso/to/acme/"' not in shown
    assert "/account/connections/" in shown
    IdentityProvider.objects.update(active=False)
    SocialAccount.objects.all().delete()
    assert "Single sign-on" not in page(signed_in.get("/account/"))


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on an iPhone",
        ),
        ("curl/8.5.0", "A program"),
    ],
)
def test_sessions_are_named_as_people_name_browsers(ann, agent, shown):
    client = Client(headers={"User-Agent": agent})
    sign_in(client)
    assert shown in page(client.get("/account/sessions/"))


def test_a_server_without_mail_promises_none(signed_in, ann, settings):
    assert "Forgot" in page(Client().get("/login/"))
    assert "Forgot" in page(signed_in.get("/account/password/"))
    assert "Send the link" in page(Client().get("/account/password/reset/"))
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    assert "Forgot" not in page(Client().get("/login/"))
    assert "Forgot" not in page(signed_in.get("/account/password/"))
    assert "sends no mail" in page(Client().get("/account/password/reset/"))
    assert "sends no mail" in page(signed_in.get("/account/email/"))


def test_an_address_is_ones_own_once_it_is_verified(ann):
    """Others are found by their addresses: by who vouches for them, and by who counts their attempts."""
    services.create_user(username="eve", password=PASSWORD)
    eve = Client()
    sign_in(eve, "eve")
    confirm(eve)
    eve.post("/account/email/", {"action_add": "", "email": "boss@acme.example"})
    eve.post("/account/email/", {"action_primary": "", "email": "boss@acme.example"})
    assert User.objects.get(username="eve").email == ""
    eve.post(re.search(r"/account/email/\S+", mail.outbox[0].body)[0])
    assert User.objects.get(username="eve").email == "boss@acme.example"


def test_changes_of_addresses_and_ends_of_sessions_are_in_the_trail(signed_in, ann):
    confirm(signed_in)
    signed_in.post("/account/email/", {"action_add": "", "email": "new@acme.example"})
    signed_in.post("/account/email/", {"action_remove": "", "email": "new@acme.example"})
    sign_in(Client())
    signed_in.post("/account/sessions/")
    events = AuditEvent.objects.filter(actor=ann).order_by("pk")
    wanted = ("user.email_add", "user.email_remove", "user.sessions_end")
    assert [(event.action, event.detail) for event in events.filter(action__in=wanted)] == [
        ("user.email_add", {"email": "new@acme.example"}),
        ("user.email_remove", {"email": "new@acme.example"}),
        ("user.sessions_end", {"sessions": 1}),
    ]


def test_links_in_mails_lead_to_the_public_address(ann, settings):
    """Whatever name the question came by."""
    settings.GITSLICE_PUBLIC_URL, settings.ALLOWED_HOSTS = "https://gitslice.example", ["*"]
    client = Client(headers={"Host": "evil.example"})
    sign_in(client)
    confirm(client)
    client.post("/account/email/", {"action_add": "", "email": "new@acme.example"})
    Client(headers={"Host": "evil.example"}).post("/account/password/reset/", {"email": "ann@acme.example"})
    Client(headers={"Host": "evil.example"}).post("/account/password/reset/", {"email": "who@acme.example"})
    links = [re.search(r"https?://\S+", letter.body)[0] for letter in mail.outbox]
    assert len(links) == 3
    assert [link.partition("/account/")[0] for link in links] == ["https://gitslice.example"] * 3, links


def test_who_has_somebodys_address_too_does_not_forgive_attempts_on_them(ann):
    for _ in range(9):
        sign_in(Client(), "ann@acme.example", "wrong")
    services.create_user(username="eve", email="ann@acme.example", password=NEW_PASSWORD)
    services.create_user(username="ann@acme.example", password=NEW_PASSWORD)
    for name in ("eve", "ann@acme.example"):
        client = Client()
        sign_in(client, name, NEW_PASSWORD)
    assert sign_in(Client(), "ann@acme.example", "wrong").status_code == 429


@pytest.mark.django_db(transaction=True)
def test_a_session_that_cannot_be_written_was_not_ended():
    """Only one that is gone is told to be gone; a database that went away is a 503."""
    session = SessionStore()
    session.create()
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(OperationalError):
        session.save()
    connection.close()
    session.save()
    Session.objects.all().delete()
    with pytest.raises(UpdateError):
        session.save()
