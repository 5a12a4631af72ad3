"""The pages of people, organizations and sign-in in Chromium: light and dark, wide and narrow, by the rules of axe."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, sync_playwright

from accounts.machines.services import create_account_token, create_service_account
from accounts.models import Invitation, User
from accounts.people.teams import create_team
from accounts.tokens import digest_of
from tests.processes import WebServer
from tests.tools import ensure_installed
from tests.world import World

HERE = Path(__file__).parent
AXE = (HERE / "vendor/axe/axe.min.js").read_text()
VIOLATIONS = "axe.run().then(run => run.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.html}`)))"
PASSWORD = "correct-horse-battery"
LOOKS = (("light", 1280), ("dark", 390))

OWN = [
    "/profile/",
    "/account/",
    "/account/email/",
    "/account/password/",
    "/account/second-factor/",
    "/account/second-factor/webauthn/",
    "/account/sessions/",
    "/account/connections/",
    "/account/reauthenticate/",
    "/device/",
]
ORGANIZATION = [
    "/acme/people/",
    "/acme/teams/",
    "/acme/teams/core/",
    "/acme/invitations/",
    "/acme/service-accounts/",
    "/acme/service-accounts/deploy/",
    "/acme/sign-in/",
    "/acme/sign-in/?protocol=saml",
    "/acme/audit/",
    "/acme/audit/?object=nothing",
    "/acme/settings/",
    "/acme/slices/",
]
ENTRANCES = [
    "/login/",
    "/sso/",
    "/sso/cancelled/",
    "/account/new/",
    "/account/inactive/",
    "/account/email/sent/",
    "/account/email/wrong/",
    "/account/password/reset/",
    "/account/password/reset/sent/",
    "/account/password/reset/done/",
    "/account/password/reset/1-wrong/",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Rows are written before it starts: Django refuses to where Playwright's event loop runs."""
    ensure_installed("chromium", lambda: shutil.which("chromium") is not None, HERE / "install")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


def faults(page: Page) -> list[str]:
    """What is wrong with the page that is shown: light on a wide screen, dark on a phone."""
    found = []
    page.evaluate(AXE)
    for theme, width in LOOKS:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        wrong = page.evaluate(VIOLATIONS)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append("wider than the window")
        found += [f"{page.url} {theme} {width}: {fault}" for fault in wrong]
    return found


def visited(browser: Browser, server: WebServer, paths: list[str], session: str = "") -> list[str]:
    """The faults of the pages at these addresses, and what the browser complains of."""
    context = browser.new_context()
    if session:
        context.add_cookies([{"name": "sessionid", "value": session, "url": server.url}])
    page = context.new_page()
    found: list[str] = []
    page.on(
        "console", lambda said: found.append(f"{page.url}: {said.text}") if said.type == "error" else None
    )
    for path in paths:
        response = page.goto(server.url + path)
        assert response is not None
        assert response.status == 200, path
        assert page.url.endswith(path) or path in ENTRANCES, page.url
        found += faults(page)
    return found


def give_password(user: User) -> None:
    """By a hash that the server knows; the tests' own is too weak for it."""
    hasher = PBKDF2PasswordHasher()
    user.password = hasher.encode(PASSWORD, hasher.salt(), iterations=1_000)
    user.save()


def sign_in(page: Page, address: str, username: str) -> None:
    page.goto(address)
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


@pytest.fixture
def world(web_server: WebServer) -> World:
    world = World()
    world.slice("web", "web/**")
    create_team(actor=world.owner, organization=world.organization, slug="core", members=[world.owner])
    account = create_service_account(actor=world.owner, organization=world.organization, name="deploy")
    limit = [world.organization.slices.get(name="web").pk]
    create_account_token(
        actor=world.owner,
        organization=world.organization,
        account=account,
        name="ci",
        scopes=["read", "admin"],
        slices=limit,
    )
    world.token(world.owner)
    return world


def test_pages_of_people_and_organizations_are_accessible(web_server, world):
    give_password(world.owner)
    session = session_of(world.owner)
    with chromium() as browser:
        assert visited(browser, web_server, OWN + ORGANIZATION, session) == []


def test_pages_before_signing_in_are_accessible(web_server, world):
    token = "A" * 43
    Invitation.objects.create(
        organization=world.organization,
        email="ann@example.com",
        role="member",
        digest=digest_of(token),
        expires_at=timezone.now() + timedelta(days=1),
    )
    with chromium() as browser:
        assert visited(browser, web_server, [*ENTRANCES, f"/invitations/{token}/"]) == []


def test_a_token_is_made_and_copied(web_server, world):
    session = session_of(world.owner)
    with chromium() as browser:
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        context.add_cookies([{"name": "sessionid", "value": session, "url": web_server.url}])
        page = context.new_page()
        page.goto(web_server.url + "/acme/service-accounts/deploy/")
        page.get_by_label("Name").fill("ci")
        page.get_by_label("write:").check()
        page.get_by_label("Only in these slices").fill("acme/web acme/nothing")
        page.get_by_role("button", name="Make a token").click()
        assert page.get_by_role("alert").inner_text() == "There is no slice 'acme/nothing'."
        assert faults(page) == []
        page.get_by_label("Only in these slices").fill("acme/web")
        page.get_by_role("button", name="Make a token").click()
        page.get_by_role("button", name="Copy the token").click()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("gst_")
        assert copied in page.inner_text("#tokens")
        assert faults(page) == []


def test_a_passkey_is_added_and_signs_in(web_server, world):
    give_password(world.owner)
    with chromium() as browser:
        page = browser.new_context().new_page()
        devices = page.context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "automaticPresenceSimulation": True}
        options |= {"hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        address = web_server.url.replace("127.0.0.1", "localhost")  # an address may not hold passkeys
        sign_in(page, address + "/login/?next=/account/second-factor/webauthn/add/", world.owner.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
        assert faults(page) == []
        page.get_by_label("Name").fill("Laptop")
        page.get_by_label("It is a passkey").check()
        page.get_by_role("button", name="Add").click()
        page.wait_for_url("**/recovery-codes/")
        assert faults(page) == []
        page.goto(address + "/account/second-factor/webauthn/")
        assert "Laptop passkey" in " ".join(page.inner_text("main").split())
        page.context.clear_cookies()
        page.goto(address + "/login/?next=/profile/")
        page.get_by_role("button", name="Use a passkey").click()
        page.wait_for_url("**/profile/")


def test_a_second_factor_is_asked_for(web_server, world):
    ann = world.user("ann")
    give_password(ann)
    TOTP.activate(ann, generate_totp_secret())
    with chromium() as browser:
        page = browser.new_context().new_page()
        sign_in(page, web_server.url + "/login/", "ann")
        assert page.url.endswith("/account/second-factor/authenticate/")
        assert faults(page) == []
