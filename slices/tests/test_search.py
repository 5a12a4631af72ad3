"""Search: what is found, and that nobody finds what they do not see."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitslice.common.rows import fetch_row
from slices.models import SearchText
from slices.search import index, queries
from slices.search.grams import INDEXED, grams_of_expression
from slices.search.index import outdated_organizations, refresh
from slices.search.queries import Line, marked_line
from slices.search.wanted import Wanted, read_filters
from slices.tasks import index_landed
from tests.pages import Pages, text_of

CODE = b"def greet(name):\n    # Say Hello\n    return f'hello {name}'\n\n\ndef leave():\n    return 'bye'\n"


@pytest.fixture
def web(world):
    slice = world.slice("web", "web/**")
    world.slice("docs", "docs/**", visibility="private")
    world.land(slice, {"web/app.py": CODE, "web/app.js": b"hello()\r\n", "web/bin": b"hello\0"})
    world.land(world.root, {"docs/secret.md": b"hello secret\n", "top.txt": b"hello top\n"})
    refresh(world.organization.pk)
    return world.fresh(slice)


@pytest.fixture
def member(world):
    return world.user("member")


@pytest.fixture
def find(api):
    def ask(text, user=None, **query):
        answer = (api(user) if user else api()).get("search/acme/", q=text, **query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return ask


def paths(found) -> list[str]:
    return [item["path"] for item in found["items"]]


def lines(found) -> list[tuple[int, str]]:
    return [(line["number"], line["text"]) for line in found["items"][0]["lines"] if line["matches"]]


def test_lines_are_found_with_those_around_and_marks(web, find):
    found = find("HELLO", path="*.py")
    assert lines(found) == [(2, "    # Say Hello"), (3, "    return f'hello {name}'")]
    shown = found["items"][0]["lines"]
    assert [line["number"] for line in shown] == [1, 2, 3, 4, 5]
    assert [line["marks"] for line in shown] == [[], [[10, 15]], [[13, 18]], [], []]
    assert [line["number"] for line in find("HELLO", path="*.py", context=0)["items"][0]["lines"]] == [2, 3]


def test_case_and_expressions(web, find):
    assert lines(find("Hello", case=1)) == [(2, "    # Say Hello")]
    assert lines(find(r"^def \w+\(\)", regex=1)) == [(6, "def leave():")]
    assert lines(find(r"return 'bye'$", regex=1)) == [(7, "    return 'bye'")]
    assert paths(find(r"\(\)$", regex=1, path="**/*.js")) == ["web/app.js"]
    assert lines(find(r"(?i)^DEF l", regex=1, case=1)) == [(6, "def leave():")]
    assert lines(find(r"(?=def)..", regex=1))[0] == (1, "def greet(name):")
    assert paths(find("def .*", case=1)) == []
    assert paths(find("f'hello {name}'")) == ["web/app.py"]
    assert paths(find(r":\s+#", regex=1)) == []  # lines are apart


def test_nobody_finds_what_they_do_not_see(world, web, member, find):
    assert paths(find("hello")) == ["docs/secret.md", "top.txt", "web/app.js", "web/app.py"]
    assert paths(find("hello", member)) == ["web/app.js", "web/app.py"]
    assert paths(find("secret", member)) == []
    assert paths(find("secret", member, **{"in": "paths"})) == []
    assert paths(
        find("hello", world.writer(world.organization.slices.get(name="docs"), "ann", "reader"))
    ) == [
        "docs/secret.md",
        "web/app.js",
        "web/app.py",
    ]


def test_sight_comes_before_the_limit(world, web, member, api):
    world.land(world.root, {f"aaa/{n}": b"hello\n" for n in range(30)})
    refresh(world.organization.pk)
    answer = api(member).get("search/acme/", q="hello", limit=1).json()
    assert paths(answer) == ["web/app.js"]
    more = api(member).get("search/acme/", q="hello", limit=1, cursor=answer["next_cursor"]).json()
    assert (paths(more), more["next_cursor"]) == (["web/app.py"], None)


def test_a_token_of_some_slices_finds_these(world, web):
    from slices.tests.conftest import Api

    api = Api(world.token(world.owner, slices=[web.pk]))
    assert paths(api.get("search/acme/", q="hello").json()) == ["web/app.js", "web/app.py"]


def test_a_slice_and_where_it_is_seen(world, web, member, find, api):
    assert paths(find("hello", slice="docs")) == ["docs/secret.md"]
    assert [item["slice"] for item in find("hello")["items"]] == ["docs", "root", "web", "web"]
    assert api(member).get("search/acme/", q="hello", slice="docs").json()["code"] == "slice_not_found"


def test_paths_are_found_by_their_words(web, find):
    assert paths(find("web app", **{"in": "paths"})) == ["web/app.js", "web/app.py"]
    assert paths(find("APP.py", **{"in": "paths"})) == ["web/app.py"]
    assert paths(find("bin", **{"in": "paths"})) == ["web/bin"]


@pytest.mark.parametrize(
    "query",
    [
        {"q": "x"},
        {"q": ""},
        {"q": "a\nb"},
        {"q": "x" * 501},
        {"q": "a(", "regex": 1},
        {"q": "(a{255}){255}", "regex": 1},
        {"q": "hello", "path": "a//b"},
        {"q": "hello", "in": "names"},
        {"q": "hello", "lang": "../*"},
        {"q": "hello", "context": "-1"},
        {"q": "hello", "cursor": "?"},
    ],
)
def test_what_cannot_be_searched(web, api, query):
    assert api().get("search/acme/", **query).status_code == 400


def test_what_takes_too_long_is_stopped(world, web, api, monkeypatch):
    monkeypatch.setattr(
        queries._Search, "hits", lambda *_: queries._answered("SELECT pg_sleep(5)", [], seconds=1)
    )
    answer = api().get("search/acme/", q="hello")
    assert (answer.status_code, answer.json()["code"]) == (400, "search_too_slow")
    page = Pages(world.owner).client.get("/search/", {"q": "hello"})
    assert "That takes too long" in page.content.decode()


def test_texts_follow_the_heads(world, web, find):
    world.land(web, {"web/app.py": b"adieu\n", "web/app.js": None, "web/new": b"hello new\n"})
    assert paths(find("hello", path="web/")) == []  # old texts are no longer shown, new ones not yet
    assert refresh(world.organization.pk, ["web/app.py", "web/app.js", "web/new"]) == 3
    assert paths(find("hello", path="web/")) == ["web/new"]
    assert paths(find("adieu")) == ["web/app.py"]
    assert refresh(world.organization.pk) == 0


def test_what_was_lost_is_made_again(world, web, find):
    before = list(SearchText.objects.order_by("path").values_list("path", "text"))
    SearchText.objects.filter(path="web/app.py").delete()
    SearchText.objects.create(organization=world.organization, path="gone", digest=b"1" * 32, text="hello")
    assert refresh(world.organization.pk) == 2
    assert list(SearchText.objects.order_by("path").values_list("path", "text")) == before
    SearchText.objects.all().delete()
    call_command("rebuild_search", "--org", "acme")
    assert list(SearchText.objects.order_by("path").values_list("path", "text")) == before


def test_a_worker_reads_in_what_has_landed_and_nothing_else(world, web, find, monkeypatch):
    assert index_landed() == 0  # all of it is there, but nobody has noted so yet
    assert outdated_organizations() == []
    world.land(web, {"web/new": b"hello new\n", "web/app.js": None})
    looked_at = []
    monkeypatch.setattr(
        index, "refresh", lambda pk, paths=None: looked_at.append(paths) or refresh(pk, paths)
    )
    assert index_landed() == 2
    assert [sorted(paths) for paths in looked_at] == [["web/app.js", "web/new"]]
    assert "web/new" in paths(find("hello"))
    assert index_landed() == 0
    assert len(looked_at) == 1


def test_what_is_no_text_is_found_by_its_path_alone(world, web, find, monkeypatch):
    monkeypatch.setattr(index, "MAX_TEXT_BYTES", 20)
    world.land(web, {"web/large": b"hello " * 10, "web/late": b"a" * 9000 + b"\0hello"})
    world.land(web, world.edits(world.owner, {"web/link": b"hello"}, mode="120000"))
    refresh(world.organization.pk)
    assert set(paths(find("hello", path="web/"))) == {"web/app.js", "web/app.py"}
    assert paths(find("large", **{"in": "paths"})) == ["web/large"]


@pytest.fixture
def one_by_one(monkeypatch):
    """No file is looked at before the index is asked, and batches are of one file."""
    monkeypatch.setattr(queries, "FIRST_FILES", 1)
    monkeypatch.setattr(queries, "SMALLEST", 1)
    monkeypatch.setattr(queries, "LARGEST", 1)


@pytest.mark.parametrize("text", ["hello", "he", "HELLO", "lo"])
def test_all_is_found_in_batches(world, web, find, one_by_one, text):
    assert paths(find(text)) == ["docs/secret.md", "top.txt", "web/app.js", "web/app.py"]
    assert paths(find("h[e]llo", regex=1)) == ["docs/secret.md", "top.txt", "web/app.js", "web/app.py"]


def test_all_is_found_when_the_index_names_too_many(web, find, one_by_one, monkeypatch):
    paths_of = queries._Search._paths

    def gives_up(search, after, most, grams=()):
        if grams:
            raise queries.SearchTooSlow("too many")
        return paths_of(search, after, most)

    monkeypatch.setattr(queries._Search, "_paths", gives_up)
    assert paths(find("hello")) == ["docs/secret.md", "top.txt", "web/app.js", "web/app.py"]


def test_a_search_stops_when_the_time_is_up_and_goes_on_from_there(
    world, web, find, member, one_by_one, monkeypatch
):
    monkeypatch.setattr(queries, "SECONDS", -1.0)
    found = find("return", member)
    assert (paths(found), found["stopped_at"]) == ([], "web/app.js")  # and no path that they do not see
    found = find("return", member, cursor=found["next_cursor"])
    assert (paths(found), found["stopped_at"]) == (["web/app.py"], "web/app.py")
    assert find("return", member, cursor=found["next_cursor"])["next_cursor"] is None
    page = text_of(Pages(member).get("/search/", q="return"))
    assert "Not found in the time there was" in page
    assert "up to web/app.js" in page


WORDS = st.text(alphabet="ab_1é. -(Q", max_size=12)


@given(before=WORDS, text=WORDS, after=WORDS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_with_the_text_has_its_trigrams(db, before, text, after):
    grams = Wanted(text).grams
    assert fetch_row(
        f"SELECT {INDEXED} @> %s::text[] FROM (VALUES (%s)) AS file(text)", [grams, before + text + after]
    ) == (True,)


@pytest.mark.parametrize(
    ("expression", "grams"),
    [
        (r"class \w+Manager\(", ["cla", "las", "ass", "man", "ana", "nag", "age", "ger"]),
        ("get_it", ["get", "etq", "tqi", "qit"]),
        ("abcd?e", ["abc"]),
        ("abc{0}", []),
        ("(abc)?defg", ["def", "efg"]),
        ("[]abc]xyz", ["xyz"]),
        ("abc|xyz", []),
        (r"\x41bcd", []),
        ("(?i)abc", []),
    ],
)
def test_trigrams_of_expressions(expression, grams):
    assert grams_of_expression(expression) == grams


def test_filters_stand_in_the_text(world, web, find):
    def read(text, **given):
        wanted, slice = read_filters(Wanted(text, **given), "")
        return wanted.text, wanted.path, wanted.language, wanted.matches_case, slice

    assert read("path:docs/** tax  rate lang:python") == ("tax rate", "docs/**", "python", False, "")
    assert read("slice:acme/web case:yes ext:tf x") == ("x", "", "tf", True, "web")
    assert read('"path:docs tax"') == ("path:docs tax", "", "", False, "")
    assert read("xpath:docs path: tax") == ("xpath:docs path: tax", "", "", False, "")
    assert paths(find("hello", lang="python")) == ["web/app.py"]
    assert paths(find("hello", lang="js")) == ["web/app.js"]
    assert paths(find("hello", lang="md", path="docs/**")) == ["docs/secret.md"]
    html = Pages(world.owner).get("/search/", q="lang:python hello")
    assert "web/app.py" in html
    assert "docs/secret.md" not in html


def test_long_lines_are_cut_to_their_match():
    line = marked_line(3, "x" * 1000 + "here" + "y" * 1000, [(1000, 1004)])
    assert (len(line.text), line.cut) == (300, True)
    assert line.text[slice(*line.marks[0])] == "here"
    assert marked_line(1, "short", [(0, 5)]) == Line(1, "short", ((0, 5),))
    assert Wanted("a.b").expression == r"a\.b"


def test_the_page(world, web, member):
    pages = Pages(member)
    html = pages.get("/search/", q="hello")
    assert "<mark>hello</mark>" in html
    assert 'href="/acme/slices/web/tree/web/app.py?source=1#L3"' in html
    assert "secret" not in text_of(html)
    assert "Paths" in text_of(pages.get("/search/", q="app"))
    assert "Nothing has that in it" in text_of(pages.get("/search/", q="secret"))
    assert "What are you looking for" in text_of(pages.get("/search/"))
    assert 'action="/search/"' in pages.get("/slices/")
    bad = pages.client.get("/search/", {"q": "a(", "regex": "1"})
    assert (bad.status_code, "That cannot be searched" in bad.content.decode()) == (400, True)
    assert pages.status("/search/", q="hello", org="none") == 404
    assert pages.status("/search/", q="hello", slice="docs") == 404


def test_strangers_search_what_is_public(world, web):
    assert "Nothing to search" in text_of(Pages().get("/search/", q="hello"))
    world.land(world.slice("open", "open/**", visibility="public"), {"open/a": b"hello <b>\n"})
    refresh(world.organization.pk)
    html = Pages().get("/search/", q="hello")
    assert "<mark>hello</mark> &lt;b&gt;" in html
    assert "app.py" not in html


def test_a_search_costs_the_same_at_any_size(world, web, api, django_assert_max_num_queries):
    for number in range(10):
        world.slice(f"s{number}", f"s{number}/**")
    owner = api()
    owner.get("search/acme/", q="hello")
    with django_assert_max_num_queries(12):
        owner.get("search/acme/", q="hello")
