"""The pages of slices, as a browser without JavaScript sees them."""

from __future__ import annotations

import pytest
from django.test import Client

from slices.models import Slice
from slices.services import SliceEdit, edit_slice
from tests.pages import Pages, text_of, title_of

CODE = b'def greet(name):\n    """Say <hello>."""\n    return f"hello {name}"\n'


@pytest.fixture
def web(world):
    slice = world.slice("web", "web/**", "shared/*.py", description="The site")
    world.land(
        slice,
        {"web/app.py": CODE, "web/static/logo.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>"},
        title="First",
    )
    world.land(
        slice,
        {
            "web/README.md": b"# The site\n\nSee [app](app.py).\n\n<script>alert(1)</script>\n",
            "web/data.bin": b"\0\1\2",
            "web/empty": b"",
        },
        title="Second",
    )
    world.land(slice, {"web/app.py": CODE.replace(b"hello", b"good day")}, title="Third\n\nWith a reason.")
    return world.fresh(slice)


@pytest.fixture
def pages(world, web):
    return Pages(world.owner)


def test_the_list_shows_and_finds_slices(world, pages):
    world.slice("billing", "billing/**", description="Money")
    text = text_of(pages.get("/slices/"))
    assert "acme/ billing Money" in text
    assert "acme/ web The site" in text
    found = text_of(pages.get("/slices/", q="mon"))
    assert "billing" in found
    assert "The site" not in found
    assert "No slice matches" in text_of(pages.get("/slices/", q="nowhere"))


def test_htmx_gets_only_the_rows(pages):
    response = pages.client.get("/slices/", {"q": "web"}, headers={"HX-Request": "true"})
    assert b"<html" not in response.content
    assert b"The site" in response.content


def test_the_list_has_pages(world, pages):
    for number in range(3):
        world.slice(f"s{number}", f"s{number}/**")
    first = pages.get("/acme/slices/", limit=2)
    assert "cursor=" in first
    cursor = first.partition("cursor=")[2].partition('"')[0].partition("&")[0]
    assert "s0" not in text_of(pages.get("/acme/slices/", limit=2, cursor=cursor))


def test_lists_cost_the_same_at_any_size(world, pages, django_assert_max_num_queries):
    for number in range(20):
        slice = world.slice(f"s{number}", f"s{number}/**")
        world.propose(slice, {f"s{number}/a": b"a"})
    pages.get("/slices/")
    with django_assert_max_num_queries(10):
        pages.get("/slices/")
    with django_assert_max_num_queries(7):
        pages.get("/changesets/")
    with django_assert_max_num_queries(9):
        pages.get("/")


def test_a_slice_is_made(world, pages):
    html = pages.post(
        "/acme/new-slice/",
        name="docs",
        includes="docs/**\nREADME.md",
        excludes="docs/old/**",
        description="Words",
        visibility="private",
    )
    assert "acme/docs is ready" in text_of(html)
    slice = Slice.objects.select_related("definition").get(name="docs")
    assert (slice.definition.includes, slice.definition.excludes) == (
        ["docs/**", "README.md"],
        ["docs/old/**"],
    )
    assert (slice.description, slice.visibility) == ("Words", "private")


def test_a_refused_slice_keeps_what_was_typed(pages):
    fields = {"name": "web", "includes": "web/**", "visibility": "organization"}
    response = pages.client.post("/acme/new-slice/", fields)
    assert response.status_code == 409
    assert "there is a slice acme/web already" in text_of(response.content.decode()).lower()
    assert 'value="web"' in response.content.decode()


def test_strangers_make_no_slices(world, web):
    world.slice("open", "open/**", visibility="public")
    stranger = Pages(world.user("stranger", role=None))
    assert stranger.status("/acme/new-slice/") == 403


def test_a_folder_shows_the_last_commit_of_each_entry(pages):
    text = text_of(pages.get("/acme/slices/web/tree/web"))
    rows = text.partition("When")[2]
    assert rows.index("static First") < rows.index("README.md Second") < rows.index("app.py Third")


def test_a_folder_shows_its_readme_safely(pages):
    html = pages.get("/acme/slices/web/tree/web/")
    assert "<h1>The site</h1>" in html
    assert 'href="/acme/slices/web/tree/web/app.py"' in html
    assert "<script>alert" not in html
    assert "alert(1)" in html


def test_a_folder_at_an_older_commit(world, web, pages):
    first = pages.get("/acme/slices/web/history/", q="First")
    commit = first.partition("?commit=")[2][:64]
    html = pages.get("/acme/slices/web/tree/web", commit=commit)
    assert "README.md" not in text_of(html)
    assert f"/acme/slices/web/tree/web/app.py?commit={commit}" in html
    assert "good day" not in pages.get("/acme/slices/web/tree/web/app.py", commit=commit)


def test_a_file_is_coloured_and_its_lines_have_addresses(pages):
    html = pages.get("/acme/slices/web/tree/web/app.py")
    assert '<span class="line" id="L3"><a class="line-number" href="#L3">3</a>' in html
    assert '<span class="k">def</span>' in html
    assert "&lt;good day&gt;" in html
    assert title_of(html) == "app.py · web/app.py · acme/web · GitSlice"


def test_files_that_are_no_text(pages, world, web, monkeypatch):
    assert "A binary file" in pages.get("/acme/slices/web/tree/web/data.bin")
    assert "The file is empty" in pages.get("/acme/slices/web/tree/web/empty")
    assert '<img src="/acme/slices/web/raw/web/static/logo.svg"' in pages.get(
        "/acme/slices/web/tree/web/static/logo.svg"
    )
    monkeypatch.setattr("slices.views.files.MAX_SHOWN_BYTES", 10)
    assert "Too large to show" in pages.get("/acme/slices/web/tree/web/app.py")


def test_markdown_and_its_source(pages):
    assert "<h1>The site</h1>" in pages.get("/acme/slices/web/tree/web/README.md")
    assert 'id="L1"' in pages.get("/acme/slices/web/tree/web/README.md", source=1)


def test_raw_content_cannot_run(pages):
    response = pages.client.get("/acme/slices/web/raw/web/static/logo.svg")
    assert response["Content-Type"] == "image/svg+xml"
    assert "sandbox" in response["Content-Security-Policy"]
    text = pages.client.get("/acme/slices/web/raw/web/app.py")
    assert text["Content-Type"] == "text/plain; charset=utf-8"
    assert text["X-Content-Type-Options"] == "nosniff"
    kept = pages.client.get("/acme/slices/web/raw/web/app.py", {"download": "1"})
    assert kept["Content-Disposition"] == "attachment; filename*=UTF-8''app.py"
    again = pages.client.get("/acme/slices/web/raw/web/app.py", headers={"If-None-Match": text["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["web/none", "other/x", "web/app.py/x", "web//app.py", "../x", "web/%00"])
def test_a_path_that_is_not_there(pages, path):
    assert pages.status(f"/acme/slices/web/tree/{path}") in (400, 404)
    assert pages.status(f"/acme/slices/web/raw/{path}") in (400, 404)


@pytest.mark.parametrize("name", ["sp ace.txt", "q?&#.txt", "é%41.txt", "<b>.txt"])
def test_odd_names_have_working_links(world, web, pages, name):
    world.land(web, {f"web/odd/{name}": b"here\n"})
    html = pages.get("/acme/slices/web/tree/web/odd")
    link = html.partition('<a class="name" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "here" in pages.get(link)


def test_the_history_and_its_filters(world, pages):
    text = text_of(pages.get("/acme/slices/web/history/"))
    assert text.index("Third") < text.index("Second") < text.index("First")
    only = text_of(pages.get("/acme/slices/web/history/web/app.py"))
    assert "Third" in only
    assert "Second" not in only
    assert "Second" in text_of(pages.get("/acme/slices/web/history/", q="seco"))
    assert "No commit matches" in text_of(pages.get("/acme/slices/web/history/", author="nobody"))


def test_a_commit_shows_what_it_changed_word_by_word(pages):
    html = pages.get("/acme/slices/web/commits/HEAD/")
    text = text_of(html)
    assert "Third With a reason." in text
    assert "1 file changed +2" in text
    assert "<mark>" in html
    assert "<mark>" in pages.get("/acme/slices/web/commits/HEAD/", view="split")


def test_two_commits_are_compared(pages):
    first = pages.get("/acme/slices/web/history/", q="First").partition("?commit=")[2][:12]
    text = text_of(pages.get("/acme/slices/web/compare/", **{"from": first}))
    assert "4 files changed" in text
    assert pages.status("/acme/slices/web/compare/", **{"from": "abcdef"}) == 404


def test_definition_versions_and_overlaps(world, web, pages):
    other = world.slice("lib", "shared/**")
    world.land(other, {"shared/a.py": b"a\n", "shared/deep/b.py": b"b\n"})
    edit_slice(actor=world.owner, slice=web, edit=SliceEdit(add=["extra/**"]))
    text = text_of(pages.get("/acme/slices/web/definition/"))
    assert "+ extra/**" in text
    assert "version 2" in text
    overlaps = text_of(pages.get("/acme/slices/web/overlaps/"))
    assert "acme/lib 1 shared file" in overlaps
    covers = text_of(pages.get("/acme/slices/web/covers/shared/a.py"))
    assert "acme/lib" in covers
    assert "acme/web The site this slice" in covers


def test_who_covers_a_path_is_said_only_of_what_one_may_see(world, web):
    world.slice("hidden-one", "web/**", visibility="private")
    reader = Pages(world.user("reader"))
    assert "hidden-one" not in reader.get("/acme/slices/web/tree/web/app.py")
    assert "hidden-one" not in reader.get("/acme/slices/web/covers/web/app.py")


def test_files_are_found_by_parts_of_their_path(pages):
    assert "web/static/logo.svg" in text_of(pages.get("/acme/slices/web/find/", q="web logo"))
    assert "No path has that in it" in text_of(pages.get("/acme/slices/web/find/", q="100%"))


def test_settings_are_for_maintainers(world, web, pages):
    assert Pages(world.user("reader")).status("/acme/slices/web/settings/") == 403
    fields = {
        "description": "New words",
        "includes": "web/**\r\nshared/*.py",
        "excludes": "",
        "visibility": "organization",
        "owners": "acme-owner",
        "conflicts": "file",
        "auto_merge": "clean",
        "required_approvals": "2",
        "locked": "on",
    }
    assert "acme/web is changed" in text_of(pages.post("/acme/slices/web/settings/", **fields))
    changed = world.fresh(web)
    assert (changed.description, changed.conflict_policy, changed.required_approvals, changed.locked) == (
        "New words",
        "file",
        2,
        True,
    )
    assert changed.definition.version == 1
    bad = pages.client.post("/acme/slices/web/settings/", fields | {"required_approvals": "-3"})
    assert bad.status_code == 400


def test_pages_of_a_slice_cost_the_same_at_any_size(world, web, pages, django_assert_max_num_queries):
    world.land(web, {f"web/many/{number}.py": b"x = %d\n" % number for number in range(60)})
    for path, most in [
        ("", 13),
        ("tree/web/many", 12),
        ("tree/web/app.py", 14),
        ("history/", 8),
        ("commits/HEAD/", 11),
        ("definition/", 10),
        ("overlaps/", 9),
    ]:
        with django_assert_max_num_queries(most):
            pages.get(f"/acme/slices/web/{path}")


def test_addresses_that_gs_browse_prints_exist(world, web):
    client = Client()
    client.force_login(world.owner)
    for address in ("/acme/slices/web/", "/acme/slices/web/tree/web/app.py", "/acme/slices/web/tree/web"):
        assert client.get(address).status_code == 200
