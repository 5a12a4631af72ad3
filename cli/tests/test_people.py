"""`gs org`, `gs team` and `gs slice role` against a real server."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path

from people import Gs

from slices.models import Slice
from tests.processes import WebServer
from tests.world import World


def test_members_change_and_go(owner: Gs, world: World, web: Slice) -> None:
    for name in ("ann", "bob"):
        world.user(name)
    listed = owner.json("org", "members", "--limit", "2")
    assert [item["user"] for item in listed["items"]] == ["acme-owner", "ann"]
    assert listed["next_cursor"]
    assert [item["user"] for item in owner.json("org", "members", "--search", "bo")["items"]] == ["bob"]
    assert "deactivated" not in owner.text("org", "members", "--org", "acme")
    assert owner.json("org", "role", "ann", "admin")["role"] == "admin"
    assert "ann is member." in owner.text("org", "role", "ann", "member")
    owner.run("org", "role", "ann", "king", code=64)
    assert owner.json("org", "role", "nobody", "admin", code=1)["error"]["code"] == "not_found"
    assert owner.json("org", "remove", "acme-owner", code=4)["error"]["code"] == "last_owner"
    assert owner.json("org", "remove", "bob") == {"user": "bob", "removed": True}
    owner.run("org", "members", "--org", "elsewhere", code=10)
    assert owner.json("org", "list")["items"][0]["role"] == "owner"


def test_who_is_deactivated_is_signed_out_within_a_second(
    owner: Gs, world: World, web_server: WebServer, tmp_path: Path
) -> None:
    token = world.token(world.user("ann"))
    ann = Gs(web_server, tmp_path / "ann", token)
    request = urllib.request.Request(
        f"{web_server.url}/api/v1/events/acme/", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=10) as stream:
        assert stream.readline() == b": watching\n"
        assert ann.json("org", "members")["items"]
        assert owner.json("org", "deactivate", "ann")["active"] is False
        began = time.monotonic()
        assert ann.json("org", "members", code=3)["error"]["code"] == "unauthenticated"
        while stream.readline():
            pass
        assert time.monotonic() - began < 2
    assert "deactivated" in owner.text("org", "members")
    owner.run("org", "reactivate", "ann")
    ann.run("org", "members", code=3)
    member = Gs(web_server, tmp_path / "bob", world.token(world.user("bob")))
    member.run("org", "deactivate", "ann", code=4)


def test_invitations_need_mail(owner: Gs) -> None:
    refused = owner.json("org", "invite", "ann@example.com", code=64)["error"]
    assert "sends no mail" in refused["message"]
    assert owner.json("org", "invitations")["items"] == []
    owner.run("org", "invitations", "--resend", "1", "--revoke", "1", code=64)
    owner.run("org", "invitations", "--revoke", "1", code=1)


def test_teams(owner: Gs, world: World) -> None:
    for name in ("ann", "bob"):
        world.user(name)
    assert "gs team create" in owner.text("team", "list")
    made = owner.json("team", "create", "core", "--name", "Core", "--member", "ann")
    assert (made["team"], made["member_count"]) == ("core", 1)
    owner.run("team", "create", "acme/web", "--parent", "core")
    owner.run("team", "create", "deep", "--parent", "web", code=64)
    assert owner.json("team", "add", "web", "bob", "ann")["member_count"] == 2
    shown = owner.json("team", "show", "core")
    assert (shown["children"], [item["user"] for item in shown["members"]]) == (["web"], ["ann", "bob"])
    assert "web" in owner.text("team", "show", "core")
    assert owner.json("team", "remove", "web", "ann")["removed"] == ["ann"]
    assert owner.json("team", "edit", "web", "--rename", "pages", "--parent", "")["parent"] is None
    owner.run("team", "edit", "pages", code=64)
    assert [item["team"] for item in owner.json("team", "list")["items"]] == ["core", "pages"]
    assert owner.json("team", "delete", "pages")["deleted"]
    owner.run("team", "show", "pages", code=1)
    owner.run("team", "show", "a/b/c", code=64)


def test_roles_in_a_slice(owner: Gs, world: World, web: Slice, web_server: WebServer, tmp_path: Path) -> None:
    ann = Gs(web_server, tmp_path / "ann", world.token(world.user("ann")))
    owner.run("team", "create", "core", "--member", "ann")
    ann.run("slice", "edit", "web", "--description", "x", code=11)
    assert owner.json("slice", "role", "web", "team:core", "maintainer")["role"] == "maintainer"
    ann.run("slice", "edit", "web", "--description", "x")
    roles = ann.json("slice", "role", "acme/web")["items"]
    assert [(role["name"], role["role"]) for role in roles] == [
        ("acme-owner", "maintainer"),
        ("team:core", "maintainer"),
    ]
    assert "team:core" in owner.text("slice", "role", "web")
    assert owner.json("slice", "role", "web", "team:core", "none")["role"] is None
    ann.run("slice", "role", "web", "ann", "writer", code=11)
    owner.run("slice", "role", "web", "ann", code=64)
    owner.run("slice", "role", "web", "nobody", "writer", code=64)
