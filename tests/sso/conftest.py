from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from accounts import services as accounts
from accounts.models import Membership, User
from accounts.people.teams import create_team
from accounts.sso.models import Domain
from tests.processes import REPOSITORY, WebServer, server_environment
from tests.sso.browser import Browser
from tests.sso.providers import ensure_installed
from tests.world import World

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="session")
def _product(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """The web server, which may reach identity providers on this machine."""
    ensure_installed()
    environment = server_environment() | {
        "DJANGO_SETTINGS_MODULE": "gitslice.settings",
        "GITSLICE_STATIC_ROOT": str(tmp_path_factory.mktemp("static")),
        "GITSLICE_SSO_NETWORKS": "127.0.0.0/8",
    }
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"]
    subprocess.run(command, cwd=REPOSITORY, env=os.environ | environment, check=True)
    server = WebServer(environment, workers=1)
    yield server
    server.stop()


@pytest.fixture
def product(transactional_db: None, _product: WebServer, settings: Any) -> WebServer:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]  # as there
    return _product


@pytest.fixture
def home(product: WebServer) -> str:
    """Its address: a site that is not the identity providers'."""
    return f"http://localhost:{product.port}"


@pytest.fixture
def world(product: WebServer) -> World:
    world = World()
    world.owner.set_password(PASSWORD)
    world.owner.save()
    for team in ("platform", "data"):
        create_team(actor=world.owner, organization=world.organization, slug=team, members=[])
    Domain.objects.create(
        organization=world.organization, name="acme.example", verified_at="2026-01-01T00:00:00Z"
    )
    return world


@pytest.fixture
def owner(world: World, home: str) -> Browser:
    """The owner's browser, signed in with the password."""
    browser = Browser(home)
    sign_in(browser, world.owner.username)
    assert browser.user == world.owner.username
    return browser


def sign_in(browser: Browser, name: str, password: str = PASSWORD) -> Browser:
    return browser.get("/login/").submit("login", login=name, password=password)


def member(world: World, name: str, email: str = "", role: str | None = Membership.Role.MEMBER) -> User:
    """Somebody with a password."""
    user = accounts.create_user(username=name, email=email, password=PASSWORD)
    if role:
        accounts.add_member(actor=world.owner, organization=world.organization, user=user, role=role)
    return user
