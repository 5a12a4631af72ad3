"""Editing files and resolving conflicts in Chromium: by the rules of axe, by keyboard, while others change things."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from conflicts.detection import detect
from conflicts.models import Conflict
from tests.browser.looking import faults
from tests.processes import WebServer
from tests.world import World

BASE = b"".join(b"line %d\n" % number for number in range(20))
OURS = BASE.replace(b"line 3\n", b"ours 3\n").replace(b"line 12\n", b"ours 12\n")
THEIRS = BASE.replace(b"line 3\n", b"theirs 3\n").replace(b"line 12\n", b"theirs 12\n")


@pytest.fixture
def world(web_server: WebServer) -> World:
    world = World()
    web, shop = world.slice("web", "web/**"), world.slice("shop", "web/**")
    world.land(web, {"web/a.py": BASE, "web/b.bin": b"\0\1"})
    changeset = world.propose(web, {"web/a.py": OURS, "web/b.bin": b"\0\2"}, title="Ours")
    world.land(shop, {"web/a.py": THEIRS, "web/b.bin": b"\0\3"}, title="Theirs")
    detect(changeset)
    return world


def test_files_are_edited_and_conflicts_resolved(open_page, world):
    conflicts = dict(Conflict.objects.values_list("path", "pk"))
    at = "/acme"
    page = open_page(world.owner)
    for path in (
        "slices/web/tree/web",
        "slices/web/add/",
        "slices/web/upload/",
        "slices/web/move/web/a.py",
        "slices/web/delete/web/a.py",
        "changesets/2/edit/",
        "conflicts/",
        "conflicts/?severity=high",
        f"conflicts/{conflicts['web/b.bin']}/",
    ):
        page.goto(f"{at}/{path}")
        assert faults(page) == []

    page.goto(f"{at}/slices/web/edit/web/a.py")
    text = page.get_by_label("Content")
    text.focus()
    page.keyboard.press("Tab")
    assert not text.evaluate("area => area === document.activeElement")
    page.get_by_label("Tab indents").check()
    text.evaluate("area => { area.focus(); area.setSelectionRange(0, 0); }")
    page.keyboard.press("Tab")
    assert text.input_value().startswith("    line 0\n")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert not text.evaluate("area => area === document.activeElement")
    assert faults(page) == []
    page.get_by_role("button", name="See the difference").click()
    page.get_by_label("Title").fill("Indent")
    assert faults(page) == []
    page.get_by_role("button", name="Propose it").click()
    page.get_by_text("is open.").wait_for()

    page.goto(f"{at}/conflicts/{conflicts['web/a.py']}/")
    result = page.get_by_label("Content")
    page.get_by_role("group", name="Take for place 1").get_by_label("Theirs").check()
    expect(result).to_have_value(re.compile("theirs 3\nline 4"), timeout=30_000)
    page.get_by_role("group", name="Take for place 2").get_by_label("Ours").check()
    expect(result).not_to_have_value(re.compile("<<<<<<<"), timeout=30_000)
    result.fill(result.input_value() + "typed\n")
    assert faults(page) == []
    page.get_by_role("button", name="Resolve with this text").click()
    page.get_by_text("Resolved by choosing").wait_for()
    assert "Place 1: theirs" in page.inner_text("#happened")
    assert faults(page) == []
