"""The pages of people, organizations and sign-in in Chromium: light and dark, wide and narrow, by the rules of axe."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.utils import timezone
from playwright.sync_api import Page

from accounts.machines.services import create_account_token, create_service_account
from accounts.models import Invitation
from accounts.people.teams import create_team
from accounts.tokens import digest_of
from tests.browser.looking import PASSWORD, faults, give_password, sign_in
from tests.processes import WebServer
from tests.world import World

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
    "/acme/webhooks/",
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


def visited(page: Page, paths: list[str]) -> list[str]:
    """The faults of the pages at these addresses."""
    found: list[str] = []
    for path in paths:
        response = page.goto(path)
        assert response is not None
        assert response.status == 200, path
        assert page.url.endswith(path) or path in ENTRANCES, page.url
        found += faults(page)
    return found


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


def test_pages_of_people_and_organizations_are_accessible(open_page, world):
    give_password(world.owner)
    assert visited(open_page(world.owner), OWN + ORGANIZATION) == []


def test_pages_before_signing_in_are_accessible(open_page, world):
    token = "A" * 43
    Invitation.objects.create(
        organization=world.organization,
        email="ann@example.com",
        role="member",
        digest=digest_of(token),
        expires_at=timezone.now() + timedelta(days=1),
    )
    assert visited(open_page(), [*ENTRANCES, f"/invitations/{token}/"]) == []


def test_a_token_is_made_and_copied(open_page, world):
    page = open_page(world.owner, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/acme/service-accounts/deploy/")
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


def test_a_passkey_is_added_and_signs_in(web_server, open_page, world):
    give_password(world.owner)
    page = open_page()
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


def test_a_second_factor_is_asked_for(open_page, world):
    ann = world.user("ann")
    give_password(ann)
    TOTP.activate(ann, generate_totp_secret())
    page = open_page()
    sign_in(page, "/login/", "ann")
    assert page.url.endswith("/account/second-factor/authenticate/")
    assert faults(page) == []
