"""What tests look at pages with: Chromium, the rules of axe, light and dark, wide and narrow; and who is signed in there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright

from accounts.models import User
from tests.processes import REPOSITORY
from tests.tools import ensure_installed

HERE = Path(__file__).parent
SCREENSHOTS = REPOSITORY / "build/screenshots"
AXE = (HERE / "vendor/axe/axe.min.js").read_text()
VIOLATIONS = "axe.run().then(run => run.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.html}`)))"
PASSWORD = "correct-horse-battery"
LOOKS = (("light", 1280), ("dark", 390))


@contextmanager
def chromium() -> Iterator[Browser]:
    ensure_installed("chromium", lambda: shutil.which("chromium") is not None, HERE / "install")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


def faults(page: Page) -> list[str]:
    """What is wrong with the page that is shown: light on a wide screen, dark on a phone. Keeps pictures of both."""
    found = []
    page.evaluate(AXE)
    for theme, width in LOOKS:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        wrong = page.evaluate(VIOLATIONS)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append("wider than the window")
        found += [f"{page.url} {theme} {width}: {fault}" for fault in wrong]
        page.screenshot(path=SCREENSHOTS / f"{_name(page)}-{theme}.png")
    page.set_viewport_size({"width": 1280, "height": 900})
    return found


def _name(page: Page) -> str:
    """Of the page's picture: its address, and its title where one address shows several things."""
    address = re.sub(r"^\w+://[^/]+", "", page.url)
    return re.sub(r"[^a-z0-9]+", "-", f"{address} {page.title()}".lower()).strip("-")[:120]


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
