"""The real `gs` signs in by a browser at a real server, and out again."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from people import Gs

from accounts.devices.models import DeviceGrant
from accounts.models import ApiToken, User
from slices.models import Slice
from tests.pages import Pages
from tests.processes import WebServer
from tests.world import World


@pytest.fixture
def gs(world: World, web_server: WebServer, tmp_path: Path) -> Gs:
    """Somebody who is not signed in, on a machine without a screen."""
    gs = Gs(web_server, tmp_path / "new", None)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        gs.environment.pop(name, None)
    return gs


class Waiting:
    """`gs auth login` while it waits for a person."""

    def __init__(self, gs: Gs, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gs.main", "auth", "login", *arguments],
            env=gs.environment,
            cwd=gs.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.said = self.process.stderr.readline() + self.process.stderr.readline()
        [self.code] = re.findall(r"enter the code (\S+)", self.said)

    def end(self) -> tuple[int, str, str]:
        """Exit code and what was printed since."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def person(world: World) -> Pages:
    return Pages(world.owner)


def with_token(gs: Gs, secret: str) -> Gs:
    other = gs.at(gs.folder)
    other.environment = gs.environment | {"GITSLICE_AUTH_TOKEN": secret}
    return other


def test_signing_in_by_the_browser_and_out(gs: Gs, world: World, person: Pages, web: Slice) -> None:
    waiting = Waiting(gs, "--no-browser")
    assert re.match(r"Open http://\S+/device/\n", waiting.said)
    assert "gs, the command line" in person.post("/device/", user_code=waiting.code)
    person.post("/device/decide/", user_code=waiting.code, decision="allow")
    code, out, err = waiting.end()
    assert (code, f"as {world.owner}" in out) == (0, True), (out, err)
    file = gs.folder / "config" / "credentials.toml"
    assert file.stat().st_mode & 0o777 == 0o600
    [kept] = tomllib.loads(file.read_text()).values()
    assert kept["user"] == "acme-owner"
    status = gs.json("auth", "status")
    assert (status["signed_in"], status["scopes"]) == (True, ["read", "write", "review", "admin"])
    assert status["expires_at"] == ApiToken.objects.latest("pk").expires_at.isoformat()
    told = gs.json("--version", "--server")
    assert told["gs"] == told["server"] == status["server"]["version"]
    assert f"server {told['server']}" in gs.run("--version", "--server").stdout
    assert "read write review admin" in gs.text("auth", "status")
    assert gs.json("slice", "list")["items"][0]["slice"] == "acme/root"
    left = gs.json("auth", "logout")
    assert (left["forgotten"], left["revoked"], left["signed_in"]) == (True, True, False)
    assert ApiToken.objects.latest("pk").revoked_at is not None
    assert gs.json("auth", "status")["signed_in"] is False
    gs.environment["GITSLICE_AUTH_TOKEN"] = kept["token"]
    assert gs.json("auth", "status", code=3)["error"]["code"] == "unauthenticated"


def test_less_may_be_asked_for(gs: Gs, person: Pages, web: Slice) -> None:
    waiting = Waiting(gs, "--json", "--quiet", "--scope", "read")
    page = person.post("/device/", user_code=waiting.code)
    assert "read what you may read" in page
    assert "administer" not in page
    person.post("/device/decide/", user_code=waiting.code, decision="allow")
    code, out, err = waiting.end()
    assert (code, err) == (0, "")
    assert '"user": "acme-owner"' in out
    assert gs.json("slice", "info", "web")["slice"] == "acme/web"
    refused = gs.json("slice", "edit", "web", "--description", "x", code=4)["error"]
    assert refused["code"] == "insufficient_scope"
    gs.run("token", "create", "more", code=4)


def test_a_denied_sign_in_keeps_nothing(gs: Gs, person: Pages) -> None:
    waiting = Waiting(gs)
    person.post("/device/decide/", user_code=waiting.code, decision="deny")
    code, out, err = waiting.end()
    assert (code, out) == (3, "")
    assert "error: the sign-in was denied in the browser" in err
    assert not (gs.folder / "config" / "credentials.toml").exists()


def test_a_sign_in_ends_with_its_codes(gs: Gs) -> None:
    waiting = Waiting(gs)
    DeviceGrant.objects.update(expires_at=DeviceGrant.objects.get().created_at)
    code, _, err = waiting.end()
    assert (code, "nobody allowed the sign-in in time" in err) == (3, True)


def test_a_server_that_starts_again_is_waited_for(gs: Gs, person: Pages, web_server: WebServer) -> None:
    waiting = Waiting(gs)
    web_server.kill()
    web_server.start()
    person.post("/device/decide/", user_code=waiting.code, decision="allow")
    code, out, err = waiting.end()
    assert (code, "as acme-owner" in out) == (0, True), (out, err)


def test_the_browser_opens_where_there_is_one(gs: Gs) -> None:
    browser, opened = gs.folder / "browser", gs.folder / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    gs.environment["BROWSER"] = str(browser)
    for arguments in ((), ("--no-browser",), ("--json",)):
        waiting = Waiting(gs, *arguments)
        waiting.process.kill()
        waiting.end()
        assert opened.exists() == (arguments == ()), arguments
        if opened.exists():
            assert opened.read_text().endswith(f"/device/?user_code={waiting.code}\n")
            opened.unlink()


def test_signing_out_forgets_even_if_the_server_is_away(gs: Gs, world: World) -> None:
    secret = world.token(world.owner)
    gs.json("auth", "login", "--token", "-", stdin=secret + "\n")
    file = gs.folder / "config" / "credentials.toml"
    file.write_text(file.read_text().replace(gs.environment["GITSLICE_API_ENDPOINT"], "http://127.0.0.1:9"))
    gs.environment["GITSLICE_API_ENDPOINT"] = "http://127.0.0.1:9"
    left = gs.run("auth", "logout")
    assert "Signed out" in left.stdout
    assert "lives on at the server" in left.stderr
    assert secret not in file.read_text()


def test_a_revoked_token_is_no_sign_in(gs: Gs, world: World) -> None:
    gs.json("auth", "login", "--token", "-", stdin=world.token(world.owner) + "\n")
    ApiToken.objects.all().delete()
    assert gs.json("auth", "status", code=3)["error"]["code"] == "unauthenticated"
    assert "error:" in gs.run("auth", "status", code=3).stderr
    assert gs.json("auth", "logout") == {
        "signed_in": False,
        "endpoint": gs.environment["GITSLICE_API_ENDPOINT"],
        "forgotten": True,
        "revoked": False,
    }


def test_a_deactivated_user_is_out_at_the_next_command(owner: Gs, world: World, web: Slice) -> None:
    owner.run("slice", "list")
    User.objects.filter(pk=world.owner.pk).update(is_active=False)
    owner.run("slice", "list", code=3)


def test_narrow_tokens_are_made_listed_and_revoked(owner: Gs, web: Slice, world: World) -> None:
    world.slice("billing", "billing/**")
    narrowing = ("--scope", "read", "--scope", "write", "--slice", "billing", "--days", "30")
    made = owner.json("token", "create", "ci", *narrowing)
    assert (made["scopes"], made["slices"]) == (["read", "write"], ["acme/billing"])
    listed = owner.text("token", "list")
    assert "read write" in listed
    assert "acme/billing" in listed
    machine = with_token(owner, made["secret"])
    assert [item["slice"] for item in machine.json("slice", "list")["items"]] == ["acme/billing"]
    assert machine.json("slice", "info", "web", code=10)["error"]["code"] == "slice_not_found"
    assert machine.json("auth", "status")["slices"] == ["acme/billing"]
    owner.run("token", "create", "ci", "--scope", "root", code=64)
    owner.run("token", "create", "ci", "--slice", "nonsense", code=10)
    owner.run("token", "revoke", str(made["id"]))
    machine.run("slice", "list", code=3)


def test_service_accounts(owner: Gs, web: Slice) -> None:
    made = owner.json("org", "service-account", "create", "deploy")
    assert (made["name"], made["user"]) == ("deploy", "acme+deploy")
    assert "acme+deploy" in owner.text("org", "service-account", "list")
    token = owner.json("token", "create", "ci", "--service-account", "acme/deploy", "--scope", "read")
    assert [item["name"] for item in owner.json("token", "list", "--service-account", "deploy")["items"]] == [
        "ci"
    ]
    machine = with_token(owner, token["secret"])
    assert machine.json("auth", "status")["user"] == "acme+deploy"
    assert machine.json("slice", "info", "web")["my_role"] == "reader"
    owner.run("token", "revoke", str(token["id"]), "--service-account", "deploy")
    machine.run("auth", "status", code=3)
    owner.run("org", "service-account", "deactivate", "deploy")
    assert "deactivated" in owner.text("org", "service-account", "list")
    owner.run("token", "create", "ci", "--service-account", "deploy", code=64)
    owner.run("org", "service-account", "create", "a/b/c", code=64)
