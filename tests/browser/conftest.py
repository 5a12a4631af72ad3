from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from accounts.models import User
from tests.browser.looking import chromium, session_of
from tests.processes import REPOSITORY, WebServer, server_environment


@pytest.fixture(scope="session")
def _drawn_server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    environment = server_environment() | {"GITSLICE_STATIC_ROOT": str(tmp_path_factory.mktemp("static"))}
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"],
        cwd=REPOSITORY,
        env=os.environ | environment | {"DJANGO_SETTINGS_MODULE": "gitslice.settings"},
        check=True,
    )
    server = WebServer(environment)
    yield server
    server.stop()


@pytest.fixture
def web_server(transactional_db: None, _drawn_server: WebServer) -> WebServer:
    """A real web process on this test's database, with the styles and scripts that a browser asks for."""
    return _drawn_server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, chromium() as browser:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # rows are written while Playwright's event loop runs
        yield browser


def _complaint(page: Page, said: ConsoleMessage) -> list[str]:
    """What the browser finds wrong; that the page itself answers a form with an error is for the test to judge."""
    refused = said.text.startswith("Failed to load resource") and said.location["url"] == page.url
    return [said.text] if said.type == "error" and not refused else []


@pytest.fixture
def open_page(browser: Browser, web_server: WebServer) -> Iterator[Callable[..., Page]]:
    """Opens a page of a browser of its own, signed in as a user (None: nobody). In the end no page has complained."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(user: User | None = None, **options: Any) -> Page:
        context = browser.new_context(
            base_url=web_server.url, viewport={"width": 1280, "height": 900}, **options
        )
        contexts.append(context)
        if user is not None:
            context.add_cookies([{"name": "sessionid", "value": session_of(user), "url": web_server.url}])
        page = context.new_page()
        page.on("console", lambda said: complaints.extend(_complaint(page, said)))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
