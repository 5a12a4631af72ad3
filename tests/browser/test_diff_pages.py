"""The diff of a changeset in Chromium: by keyboard, with lines between hunks, with what one has viewed; by the rules of axe."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from slices.views.diffs import anchor_of
from tests.browser.looking import faults
from tests.processes import WebServer
from tests.world import World

BASE = b"".join(b"line_%d = %d\n" % (number, number) for number in range(200))
EDITED = BASE.replace(b"line_100 = 100\n", b"line_100 = 1000\n").replace(b"line_150 = 150\n", b"")
PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle r="9" fill="%s"/></svg>\n'


@pytest.fixture
def world(web_server: WebServer) -> World:
    world = World()
    web = world.slice("web", "web/**")
    names = ["a.py", "uv.lock", "z.py", *(f"many/{number:03}.py" for number in range(110))]
    files = {f"web/{name}": BASE if "many" not in name else b"x = 1\n" for name in names}
    world.land(web, files | {"web/logo.svg": PICTURE % b"red"})
    edits = {path: EDITED if text == BASE else b"x = 2\n" for path, text in files.items()}
    edits["web/logo.svg"] = PICTURE % b"blue"
    changeset = world.propose(web, edits, title="Edit")
    world.land(web, {"web/a.py": BASE.replace(b"line_1 = 1\n", b"theirs = 1\n")})
    world.revise(changeset, edits | {"web/a.py": EDITED.replace(b"1000", b"2000")})
    return world


@pytest.fixture
def page(open_page: Callable[..., Page], world: World) -> Page:
    return open_page(world.owner)


def test_a_reviewer_goes_through_the_files(page):
    first, last = anchor_of("web/a.py"), anchor_of("web/z.py")
    page.goto("/acme/changesets/2/files/")
    page.keyboard.press("j")
    page.keyboard.press("v")
    page.wait_for_selector(f"#{first}.viewed details:not([open])")
    assert page.inner_text("#viewed-count") == "1 of 114 files viewed"
    page.keyboard.press("v")
    page.wait_for_selector(f"#{first}:not(.viewed) details[open]")
    page.keyboard.press("n")
    assert page.locator("tr.here").get_attribute("class") == "changed here"
    page.locator(f"#{first} a.more[title*='above']").first.click()
    page.wait_for_selector(f"#{first}R78")
    page.locator(f"#{first}R98 a").click()
    page.locator(f"#{first}R100 a").click(modifiers=["Shift"])
    assert page.url.endswith(f"#{first}R98-R100")
    assert page.locator(".diff td.t.chosen").count() == 3
    assert faults(page) == []
    page.goto(f"/acme/changesets/2/files/#{last}R20")  # a file of a later page, a line between hunks
    page.reload()
    page.wait_for_selector(f"#{last}R20.chosen")


def test_both_views_and_comparisons_are_accessible(page):
    addresses = ["changesets/2/files/?view=split", "changesets/2/files/?against=1&whole=web/a.py"]
    addresses += ["slices/web/commits/HEAD/"]
    for address in addresses:
        page.goto(f"/acme/{address}")
        assert faults(page) == []
    page.goto("/acme/changesets/2/files/")
    page.get_by_label("Filter the list of files").fill("z.py")
    assert page.locator(".files-nav li[data-path]:visible").count() == 1
    page.locator("body").press("Escape")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("?")
    assert "Mark the file as viewed" in page.inner_text("#keys")
