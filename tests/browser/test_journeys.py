"""What people come for, from the first page to the last: a slice and its first file, a review by two, reading without
JavaScript, all by the keyboard."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from accounts.models import User
from slices.models import Slice
from slices.views.diffs import anchor_of
from tests.browser.looking import faults, give_password, sign_in
from tests.processes import WebServer
from tests.world import World

BASE = b"".join(b"line_%d = %d\n" % (number, number) for number in range(60))
EDITED = BASE.replace(b"line_20 = 20\n", b"line_20 = 2000\n").replace(b"line_40 = 40\n", b"")
SOON = 30_000  # milliseconds in which others' events arrive, on a busy machine too
FILES = "/acme/changesets/2/files/"


@dataclass
class Review:
    """A changeset of `owner`, which `ann` is asked to approve."""

    owner: User
    ann: User


@pytest.fixture
def review(web_server: WebServer) -> Review:
    world = World()
    web = world.slice("web", "web/**")
    ann = world.writer(web, "ann")
    world.land(web, {"web/a.py": BASE, "web/z.py": BASE})
    Slice.objects.filter(pk=web.pk).update(required_approvals=1)
    world.propose(web, {"web/a.py": EDITED, "web/z.py": EDITED}, title="Twenty is more")
    return Review(world.owner, ann)


def test_a_slice_is_made_and_its_first_file_lands(web_server, open_page):
    owner = World().owner
    give_password(owner)
    page = open_page()
    sign_in(page, "/acme/new-slice/", owner.username)
    assert faults(page) == []
    page.get_by_label("Name").fill("billing")
    page.get_by_label("Paths", exact=True).fill("billing/**")
    page.get_by_role("button", name="Create slice").click()
    assert faults(page) == []
    page.get_by_role("link", name="Add a file").click()
    page.get_by_label("Path", exact=True).fill("billing/README.md")
    page.get_by_label("Content", exact=True).fill("# Billing\n\nWho pays, and when.\n")
    page.get_by_role("button", name="See the difference").click()
    page.get_by_label("Title").fill("Say what this is")
    page.get_by_role("button", name="Propose it").click()
    assert faults(page) == []
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_text("Landed as").last.wait_for()
    assert faults(page) == []

    page.goto("/acme/slices/billing/")
    page.get_by_role("link", name="billing", exact=True).last.click()
    page.locator(".prose h1").wait_for()
    assert faults(page) == []
    for link, shows in (("Blame", "Who pays"), ("History", "Say what this is")):
        page.goto("/acme/slices/billing/tree/billing/README.md?source=1")
        page.locator(".file-head").get_by_role("link", name=link).click()
        page.get_by_text(shows).first.wait_for()
        assert faults(page) == []
    page.locator("main").press("t")
    page.get_by_label("Find a file").fill("readme")
    page.get_by_role("link", name="billing/README.md").click()
    page.get_by_text("Who pays, and when.").wait_for()


def test_two_people_review_and_one_lands(review, open_page):
    author, reviewer = open_page(review.owner), open_page(review.ann)
    author.goto("/acme/changesets/2/")
    assert "Missing: " in author.inner_text("#side")
    assert faults(author) == []
    reviewer.goto("/acme/changesets/2/")
    reviewer.get_by_label("Say something").fill("I look at it now.")
    reviewer.get_by_role("button", name="Comment", exact=True).click()
    expect(author.locator("#timeline")).to_contain_text("I look at it now.", timeout=SOON)

    reviewer.goto(FILES)
    line = reviewer.locator(f"#{anchor_of('web/a.py')}R21 ~ td.t")
    line.hover()
    line.get_by_role("link", name="Comment on line 21").click()
    note = reviewer.locator("#note")
    reviewer.get_by_role("button", name="Suggest").click()
    note.fill(note.input_value().replace("2000", "200"))
    assert faults(reviewer) == []
    reviewer.get_by_role("button", name="Keep for my review").click()
    reviewer.goto("/acme/changesets/2/")
    assert "1 draft comment" in reviewer.inner_text("main")
    assert "Suggested change" not in author.inner_text("#timeline")
    reviewer.get_by_label("Summary of your review").fill("Less is enough.")
    reviewer.get_by_role("button", name="Comment", exact=True).click()
    expect(author.locator("#timeline")).to_contain_text("Suggested change", timeout=SOON)
    assert faults(author) == []
    author.get_by_role("button", name="Apply", exact=True).click()
    author.locator("#timeline").get_by_text("applied suggestions as").wait_for()

    expect(reviewer.locator("#timeline")).to_contain_text("applied suggestions as", timeout=SOON)
    reviewer.goto("/acme/changesets/2/")
    reviewer.get_by_role("button", name="Approve").click()
    expect(author.locator("#side")).to_contain_text("Ready to land", timeout=SOON)
    author.locator("#side").get_by_role("button", name="Merge", exact=True).click()
    author.get_by_text("Landed as").last.wait_for()
    assert faults(author) == []


def test_one_reads_and_reviews_without_javascript(review, open_page):
    page = open_page(review.ann, java_script_enabled=False)
    page.goto("/acme/slices/web/tree/web/a.py")
    page.get_by_role("link", name="Blame").click()
    assert "line_59" in page.inner_text("main")
    page.goto(FILES)
    page.locator(f"#{anchor_of('web/a.py')}R21 ~ td.t").get_by_role("link", name="Comment on line 21").click()
    page.get_by_label("Comment on line 21").fill("Why so many?")
    page.get_by_role("button", name="Comment", exact=True).click()
    assert "Why so many?" in page.inner_text(f"#{anchor_of('web/a.py')}")
    page.get_by_role("button", name="Viewed web/z.py").click()
    assert "1 of 2 files viewed" in page.inner_text("main")
    page.get_by_role("link", name="Conversation", exact=True).click()
    page.get_by_role("button", name="Approve").click()
    assert "Ready to land" in page.inner_text("#side")
    page.get_by_role("button", name="Merge", exact=True).click()
    assert "Landed as" in page.inner_text("main")


def test_keys_do_what_their_list_says(review, open_page):
    page = open_page(review.owner)
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    for key, address in {
        "s": "/slices/",
        "c": "/changesets/",
        "g": "/acme/global/",
        "x": "/conflicts/",
        "f": "/search/",
        "d": "/",
    }.items():
        page.keyboard.press("Escape")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(re.compile(rf"127\.0\.0\.1:\d+{address}$"))
        page.wait_for_load_state()
    page.goto("/acme/slices/")
    page.keyboard.press("/")
    expect(page.get_by_label("Search slices")).to_be_focused()
    page.evaluate("document.activeElement.blur()")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.keyboard.press("s")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    page.keyboard.press("?")
    assert faults(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
