"""API tokens and service accounts on pages, as a browser without JavaScript uses them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.machines.services import create_account_token, create_service_account
from accounts.models import ApiToken, Membership, User
from slices.models import Slice
from tests.pages import Pages, text_of
from tests.world import World

pytestmark = pytest.mark.django_db

FORMS = ("/profile/tokens/", "/acme/service-accounts/deploy/")


@pytest.fixture
def world() -> World:
    world = World()
    world.slice("web", "web/**")
    return world


@pytest.fixture
def pages(world) -> Pages:
    return Pages(world.owner)


@pytest.fixture
def deploy(world) -> User:
    return create_service_account(actor=world.owner, organization=world.organization, name="deploy")


def fields(**changed: Any) -> dict[str, Any]:
    return {"token_name": "laptop", "scopes": ["read"], "expiry": "90", "slices": ""} | changed


def made(pages: Pages, path: str, **changed: Any) -> tuple[ApiToken, str]:
    """The token that the form makes, and the page that shows its secret."""
    response = pages.client.post(path, fields(**changed))
    html = response.content.decode()
    assert response.status_code == 200, text_of(html)
    assert "no-store" in response["Cache-Control"]
    return ApiToken.objects.latest("pk"), html


def secret_in(html: str) -> str:
    [secret] = set(re.findall(r"gst_[A-Za-z0-9_-]{43}", html))
    return secret


def test_a_token_of_ones_own_is_shown_once(world, pages):
    token, html = made(pages, "/profile/tokens/")
    secret = secret_in(html)
    assert f'data-copy="{secret}"' in html
    assert token.user == world.owner
    shown = pages.get("/profile/")
    assert "laptop" in shown
    assert secret not in shown
    assert "never used" in shown
    assert "The token is revoked" in pages.post(f"/profile/tokens/{token.pk}/revoke/")
    assert "laptop" not in text_of(pages.get("/profile/"))


def test_the_form_begins_with_little_and_for_a_while(pages):
    html = pages.get("/profile/")
    assert re.findall(r'name="scopes" value="(\w+)" checked', html) == ["read"]
    assert '<option value="90" selected>' in html


@pytest.mark.parametrize(
    ("expiry", "days"), [("7", 7), ("30", 30), ("90", 90), ("365", 365), ("never", None)]
)
def test_a_token_lives_as_long_as_chosen(pages, expiry, days):
    token, _ = made(pages, "/profile/tokens/", expiry=expiry)
    if days is None:
        assert token.expires_at is None
        assert "never expires" in pages.get("/profile/")
    else:
        assert abs(token.expires_at - timezone.now() - timedelta(days=days)) < timedelta(minutes=1)
        assert f"expires {token.expires_at:%Y-%m-%d}" in text_of(pages.get("/profile/"))


@pytest.mark.parametrize("path", FORMS)
def test_a_token_gets_the_chosen_scopes_and_slices(world, pages, deploy, path):
    world.slice("billing", "billing/**")
    token, html = made(pages, path, scopes=["write", "read"], slices="acme/web,\r\nacme/billing  acme/web")
    assert token.scopes == ["read", "write"]
    slices = Slice.objects.filter(name__in=["web", "billing"])
    assert token.slices == sorted(slices.values_list("pk", flat=True))
    assert "only in acme/billing acme/web" in text_of(html)


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"token_name": " "}, "needs a name"),
        ({"token_name": "x" * 101}, "at most 100 characters"),
        ({"token_name": "a\0b"}, "needs a name"),
        ({"scopes": []}, "at least one thing"),
        ({"scopes": ["root"]}, "nothing else"),
        ({"expiry": "4000"}, "when the token expires"),
        ({"expiry": ""}, "when the token expires"),
        ({"slices": "acme/web acme/none"}, "There is no slice &#x27;acme/none&#x27;"),
        ({"slices": "web"}, "names no organization"),
        ({"slices": "acme/\0"}, "There is no slice"),
        ({"slices": " ".join(f"acme/s{number}" for number in range(101))}, "at most 100 slices"),
    ],
)
def test_what_is_wrong_is_said_and_the_form_stays_filled(pages, deploy, path, wrong, reason):
    sent = fields(scopes=["write", "review"], expiry="365", slices="acme/web") | wrong
    response = pages.client.post(path, sent)
    html = response.content.decode()
    assert response.status_code == (404 if "no slice" in reason else 400)
    assert reason in html
    assert not ApiToken.objects.exists()
    chosen = set(re.findall(r'name="scopes" value="(\w+)" checked', html))
    assert chosen == set(sent["scopes"]) - {"root"}
    assert ('<option value="365" selected>' in html) == (sent["expiry"] == "365")
    if "\0" not in sent["slices"]:
        assert f">{sent['slices']}</textarea>" in html
    if sent["token_name"] == "laptop":
        assert 'value="laptop"' in html


def test_a_slice_that_one_does_not_see_does_not_exist(world):
    world.slice("hidden", "hidden/**", visibility="private")
    pages = Pages(world.user("ann"))
    hidden = pages.client.post("/profile/tokens/", fields(slices="acme/hidden")).content.decode()
    unknown = pages.client.post("/profile/tokens/", fields(slices="acme/unseen")).content.decode()
    assert text_of(hidden).replace("hidden", "unseen") == text_of(unknown)


def test_slices_that_are_out_of_sight_are_counted_and_not_named(world):
    ann = world.user("ann")
    hidden = world.slice("hidden", "hidden/**", visibility="private")
    web = Slice.objects.get(name="web")
    world.token(ann, slices=[hidden.pk])
    world.token(ann, slices=[hidden.pk, web.pk])
    text = text_of(Pages(ann).get("/profile/"))
    assert "only in 1 slice that you do not see" in text
    assert "only in acme/web and 1 slice that you do not see" in text
    assert "hidden" not in text


def test_an_expired_token_says_so(world, pages):
    token, _ = made(pages, "/profile/tokens/")
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(days=1))
    assert "expired" in text_of(pages.get("/profile/"))


def test_service_accounts_are_made_deactivated_and_reactivated(world, pages):
    assert "No service accounts yet" in pages.get("/acme/service-accounts/")
    assert "The service account deploy is ready" in pages.post("/acme/service-accounts/", name="deploy")
    account = User.objects.get(username="acme+deploy")
    made(pages, "/acme/service-accounts/deploy/")
    assert "deploy acme+deploy made just now active 1 live token" in text_of(
        pages.get("/acme/service-accounts/")
    )
    assert "its tokens have ended" in pages.post("/acme/service-accounts/deploy/deactivate/")
    account.refresh_from_db()
    assert not account.is_active
    assert "deactivated 0 live tokens" in text_of(pages.get("/acme/service-accounts/"))
    assert "New token" not in pages.get("/acme/service-accounts/deploy/")
    refused = pages.client.post("/acme/service-accounts/deploy/", fields())
    assert refused.status_code == 400
    assert "is deactivated" in refused.content.decode()
    assert "active again" in pages.post("/acme/service-accounts/deploy/reactivate/")
    assert "has no token yet" in text_of(pages.get("/acme/service-accounts/deploy/"))


@pytest.mark.parametrize(("name", "status"), [("", 400), ("Bad Name", 400), ("a\0", 400), ("deploy", 409)])
def test_a_name_that_will_not_do_is_refused_and_stays_in_the_form(pages, deploy, name, status):
    response = pages.client.post("/acme/service-accounts/", {"name": name})
    assert response.status_code == status
    html = response.content.decode()
    assert 'role="alert"' in html
    if name.isprintable():
        assert f'name="name" value="{name}"' in html


def test_a_token_of_a_service_account_is_shown_once_and_revoked(world, pages, deploy):
    token, html = made(pages, "/acme/service-accounts/deploy/", token_name="ci")
    secret = secret_in(html)
    assert token.user == deploy
    assert secret not in pages.get("/acme/service-accounts/deploy/")
    assert "The token is revoked" in pages.post(f"/acme/service-accounts/deploy/tokens/{token.pk}/revoke/")
    token.refresh_from_db()
    assert token.revoked_at
    assert "0 live tokens" in text_of(pages.get("/acme/service-accounts/"))


def test_only_tokens_of_the_account_are_revoked_on_its_page(world, pages, deploy):
    own, _ = made(pages, "/profile/tokens/")
    assert "No such token" in pages.post(f"/acme/service-accounts/deploy/tokens/{own.pk}/revoke/")
    own.refresh_from_db()
    assert own.revoked_at is None


def test_service_accounts_are_for_owners_and_admins(world, deploy):
    token, _ = create_account_token(
        actor=world.owner, organization=world.organization, account=deploy, name="ci", scopes=["read"]
    )
    page = "/acme/service-accounts/deploy/"
    for person, status in (
        (world.user("admin", Membership.Role.ADMIN), 200),
        (world.user("member"), 403),
        (world.user("stranger", role=None), 404),
    ):
        pages = Pages(person)
        assert pages.status("/acme/service-accounts/") == status
        assert pages.status(page) == status
        if status != 200:
            for path in (
                page,
                f"{page}deactivate/",
                f"{page}reactivate/",
                f"{page}tokens/{token.pk}/revoke/",
            ):
                assert pages.client.post(path, fields()).status_code == status
    assert ApiToken.objects.get(revoked_at=None) == token
    assert Pages(world.owner).status("/acme/service-accounts/none/") == 404


def test_accounts_of_another_organization_are_not_found(world, deploy):
    other = World("other")
    assert Pages(other.owner).status("/acme/service-accounts/deploy/") == 404
    assert Pages(other.owner).status("/other/service-accounts/deploy/") == 404


def test_people_and_service_accounts_are_told_apart(pages, deploy):
    html = pages.get("/acme/people/")
    assert "acme+deploy service account" in text_of(html)
    assert "/acme/people/acme+deploy/remove/" not in html


def test_lists_cost_the_same_for_many(world, pages):
    def queries() -> int:
        with CaptureQueriesContext(connection) as context:
            pages.get("/acme/service-accounts/")
            pages.get("/acme/service-accounts/deploy/")
            pages.get("/profile/")
        return len(context)

    def fill(name: str, tokens: int) -> None:
        account = create_service_account(actor=world.owner, organization=world.organization, name=name)
        web = Slice.objects.get(name="web").pk
        for _ in range(tokens):
            create_account_token(
                actor=world.owner,
                organization=world.organization,
                account=account,
                name="ci",
                scopes=["read"],
                slices=[web],
            )
            world.token(world.owner, slices=[web])

    fill("deploy", 1)
    few = queries()
    for number in range(10):
        fill(f"bot{number}", 2)
    assert queries() <= few <= 30


def test_the_list_has_pages(world, pages):
    for number in range(3):
        create_service_account(actor=world.owner, organization=world.organization, name=f"bot{number}")
    first = pages.get("/acme/service-accounts/", limit=2)
    assert "bot1" in text_of(first)
    assert "bot2" not in text_of(first)
    following = re.search(r'href="(\?[^"]*cursor=[^"]*)"', first)
    assert following
    assert "bot2" in text_of(pages.get("/acme/service-accounts/" + following[1].replace("&amp;", "&")))
