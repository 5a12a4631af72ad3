"""The API of slices: bodies, who sees what, errors, query budgets."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from slices.models import Slice
from slices.services import SliceEdit, edit_slice

NEW = {"name": "billing", "includes": ["services/billing/**"], "description": "Bills"}


def code(response, status):
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    return response.json()["code"]


def test_a_slice_is_made_and_looked_at(world, api):
    response = api().post(
        "slices/acme/", NEW | {"excludes": ["services/billing/x"], "owners": ["acme-owner"]}
    )
    assert response.status_code == 201
    made = response.json()
    assert made == api().get("slices/acme/billing/").json()
    assert made["slice"] == "acme/billing"
    assert (made["head"], made["file_count"], made["pending_changesets"], made["locked"]) == (
        None,
        0,
        0,
        False,
    )
    assert (made["includes"], made["excludes"]) == (["services/billing/**"], ["services/billing/x"])
    assert made["definition"]["version"] == 1
    assert made["policy"] == {
        "conflicts": "content",
        "auto_merge": "clean",
        "required_approvals": 0,
        "overlap_approvals": "off",
        "required_checks": [],
    }
    assert (made["owners"], made["my_role"], made["visibility"]) == (
        ["acme-owner"],
        "maintainer",
        "organization",
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (NEW | {"includes": ["/a"]}, "invalid_pattern"),
        (NEW | {"includes": []}, "invalid_pattern"),
        (NEW | {"includes": [""]}, "invalid_pattern"),
        (NEW | {"includes": ["a\u0000b"]}, "invalid_request"),
        (NEW | {"includes": "a/**"}, "invalid_request"),
        (NEW | {"name": "No Name"}, "invalid_request"),
        (NEW | {"visibility": "secret"}, "invalid_request"),
        (NEW | {"owners": ["ghost"]}, "invalid_request"),
        (NEW | {"include": ["typo"]}, "invalid_request"),
        ({"name": "x"}, "invalid_request"),
        ([], "invalid_request"),
        ("text", "invalid_request"),
        (None, "invalid_request"),
    ],
)
def test_a_bad_body_is_refused_and_changes_nothing(world, api, body, expected):
    assert code(api().post("slices/acme/", body), 400) == expected
    assert Slice.objects.count() == 1


def test_the_same_key_makes_one_slice(world, api):
    caller = api()
    first = caller.post("slices/acme/", NEW, {"Idempotency-Key": "k"})
    again = caller.post("slices/acme/", NEW, {"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (
        code(caller.post("slices/acme/", NEW | {"name": "b"}, {"Idempotency-Key": "k"}), 409)
        == "idempotency_mismatch"
    )
    assert code(caller.post("slices/acme/", NEW), 409) == "name_taken"


def test_a_slice_is_edited(world, api):
    world.slice("billing", "a/**")
    body = {
        "add": ["b/**"],
        "auto_merge": "off",
        "conflicts": "file",
        "required_approvals": 1,
        "locked": True,
    }
    edited = api().patch("slices/acme/billing/", body).json()
    assert edited["includes"] == ["a/**", "b/**"]
    assert edited["definition"]["version"] == 2
    assert edited["policy"] == {
        "conflicts": "file",
        "auto_merge": "off",
        "required_approvals": 1,
        "overlap_approvals": "off",
        "required_checks": [],
    }
    assert edited["locked"] is True
    assert code(api().patch("slices/acme/billing/", {"remove": ["zzz"]}), 400) == "invalid_request"
    assert code(api().patch("slices/acme/billing/", {"add": ["../x"]}), 400) == "invalid_pattern"
    assert code(api().patch("slices/acme/root/", {"includes": ["a"]}), 403) == "slice_forbidden"
    assert (
        code(api(world.user("member")).patch("slices/acme/billing/", {"locked": False}), 403)
        == "slice_forbidden"
    )


def test_definitions_are_listed_newest_first(world, api):
    slice = world.slice("billing", "a/**")
    for number in range(4):
        edit_slice(actor=world.owner, slice=slice, edit=SliceEdit(includes=[f"a{number}/**"]))
    page = api().get("slices/acme/billing/definitions/", limit=3).json()
    assert [item["version"] for item in page["items"]] == [5, 4, 3]
    assert page["items"][0]["parent"] == page["items"][1]["digest"]
    rest = api().get("slices/acme/billing/definitions/", limit=3, cursor=page["next_cursor"]).json()
    assert [item["version"] for item in rest["items"]] == [2, 1]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    "path",
    ["", "status/", "owners/", "definitions/", "overlaps/", "manifest/", "tree/", "file/?path=a/x", "commits/",
     "commits/abcdef/", "commits/abcdef/diff/", "diff/?from=abcdef", "changesets/"],
)  # fmt: skip
def test_what_one_may_not_see_does_not_exist(world, api, path):
    slice = world.slice("hidden", "a/**", visibility="private")
    world.land(slice, {"a/x": b"1"})
    caller = api(world.user("member"))
    hidden, missing = caller.get(f"slices/acme/hidden/{path}"), caller.get(f"slices/acme/missing/{path}")
    assert code(hidden, 404) == code(missing, 404) == "slice_not_found"
    assert hidden.content.replace(b"hidden", b"missing") == missing.content
    for name in ("hidden", "missing"):
        assert code(api(None).get(f"slices/acme/{name}/{path}"), 401) == "unauthenticated"


@pytest.mark.parametrize(
    ("path", "body"), [("objects/", {"all": True}), ("fork/", {"name": "f", "folder": "a"})]
)
def test_what_one_may_not_see_takes_no_posts(world, api, path, body):
    world.slice("hidden", "a/**", visibility="private")
    assert code(api(world.user("member")).post(f"slices/acme/hidden/{path}", body), 404) == "slice_not_found"
    assert code(api(None).post(f"slices/acme/hidden/{path}", body), 401) == "unauthenticated"


def test_lists_show_what_one_may_see(world, api):
    for visibility in ("private", "organization", "public"):
        world.slice(f"{visibility}-slice", "a/**", visibility=visibility)
    held = world.slice("held", "a/**", visibility="private")
    member = world.writer(held, "member", "reader")

    def names(caller, **query):
        return [
            item["slice"].removeprefix("acme/") for item in caller.get("slices/", **query).json()["items"]
        ]

    assert names(api()) == ["held", "organization-slice", "private-slice", "public-slice", "root"]
    assert names(api(member)) == ["held", "organization-slice", "public-slice"]
    assert names(api(world.user("stranger", None))) == ["public-slice"]
    assert names(api(None)) == ["public-slice"]
    assert names(api(member), mine=1) == ["held"]
    assert names(api(member), search="HEL") == ["held"]
    assert names(api(), org="acme", search="lic-") == ["public-slice"]
    assert names(api(), org="other") == []
    assert code(api(None).get("slices/", mine=1), 401) == "unauthenticated"


def test_pages_of_slices_hold_every_slice_once(world, api):
    for number in range(7):
        world.slice(f"s{number}", "a/**")
    seen, cursor = [], ""
    while cursor is not None:
        page = api().get("slices/", limit=3, cursor=cursor).json()
        seen += [item["slice"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ["acme/root", *(f"acme/s{number}" for number in range(7))]
    for wrong in ("x", "bnVsbA", "WzEsMl0"):
        assert api().get("slices/", cursor=wrong).status_code in (200, 400)
    assert code(api().get("slices/", cursor="WzEsMl0"), 400) == "invalid_request"


def test_a_nul_is_a_bad_request(world, api):
    world.slice("s", "**")
    for path in ("slices/acme/a%00/", "slices/a%00/s/", "slices/acme/s/manifest/?commit=%00"):
        assert api().get(path).status_code == 404
    for path in ("slices/?search=%00", "slices/acme/s/commits/?author=%00", "slices/acme/s/tree/?path=%00"):
        assert api().get(path).status_code == 400


@pytest.mark.parametrize("cold", [True, False])
def test_lists_cost_the_same_whatever_they_hold(world, api, cold):
    """5 and 50 slices take the same number of queries, whether sizes are cached or not."""

    def fill(count):
        for number in range(Slice.objects.count() - 1, count):
            slice = world.slice(f"s{number}", f"folder{number}/**")
            world.propose(slice, {f"folder{number}/y": b"1"})
        world.land(world.root, {f"folder{number}/x": b"%d" % count for number in range(count)})

    counts = []
    caller = api()
    caller.get("me/")  # writes down the token's use
    for size in (5, 50):
        fill(size)
        if cold:
            cache.clear()
        else:
            caller.get("slices/", limit=100)
        with CaptureQueriesContext(connection) as queries:
            body = caller.get("slices/", limit=100).json()
        assert len(body["items"]) == size + 1
        assert {item["pending_changesets"] for item in body["items"]} == {0, 1}
        counts.append(len([query for query in queries if "SAVEPOINT" not in query["sql"]]))
    assert counts[0] == counts[1] == (6 if cold else 5)


@pytest.mark.parametrize(
    ("path", "budget"),
    [("", 6), ("status/", 6), ("owners/", 3), ("definitions/", 3), ("overlaps/", 4), ("manifest/", 5), ("tree/", 5),
     ("commits/", 3), ("commits/HEAD/", 4), ("file/?path=a/x", 5)],
)  # fmt: skip
def test_answers_keep_their_query_budget(world, api, path, budget):
    slice = world.slice("s", "a/**")
    world.slice("t", "a/x")
    for number in range(3):
        world.land(slice, {f"a/{number}": b"1", "a/x": b"%d" % number})
    caller = api(world.writer(slice, "writer"))
    caller.get("me/")
    with CaptureQueriesContext(connection) as queries:
        response = caller.get(f"slices/acme/s/{path}")
        if response.streaming:
            response.getvalue()
    assert response.status_code == 200
    assert len([q for q in queries if "SAVEPOINT" not in q["sql"] and "SET LOCAL" not in q["sql"]]) <= budget


def test_status_counts_files_changesets_and_conflicts(world, api):
    slice = world.slice("s", "a/**")
    commit = world.land(slice, {"a/x": b"123", "a/y": b"45"})
    world.propose(slice, {"a/x": b"new"})
    status = api().get("slices/acme/s/status/").json()
    assert status == {
        "slice": "acme/s",
        "head": str(commit),
        "head_time": commit.landed_at.isoformat(),
        "health": "healthy",
        "pending_changesets": 1,
        "open_conflicts": 0,
        "locked": False,
        "file_count": 2,
        "bytes": 5,
        "ahead": 1,
        "last_merged": None,
    }


def test_owners_name_users_and_teams(world, api):
    slice = world.slice("s", "a/**")
    world.writer(slice, "zoe")
    assert api().get("slices/acme/s/owners/").json() == {
        "slice": "acme/s",
        "owners": [
            {"kind": "user", "name": "acme-owner", "role": "maintainer"},
            {"kind": "user", "name": "zoe", "role": "writer"},
        ],
    }


def test_overlaps_are_of_files_and_of_visible_slices(world, api):
    slice = world.slice("s", "a/**", "b/*.py")
    world.slice("inside", "a/x/**")
    world.slice("around", "**/*.py")
    world.slice("apart", "c/**")
    world.slice("empty", "a/none/**")
    world.slice("hidden", "a/**", visibility="private")
    world.land(world.root, {"a/x/1": b"1", "a/x/2": b"1", "a/p.py": b"1", "b/q.py": b"1", "c/r.py": b"1"})
    expected = [
        {"slice": "acme/around", "paths": ["a/p.py", "b/q.py"], "path_count": 2},
        {"slice": "acme/inside", "paths": ["a/x/1", "a/x/2"], "path_count": 2},
    ]
    caller = api(world.user("member"))
    assert caller.get("slices/acme/s/overlaps/").json()["items"] == expected
    assert [item["slice"] for item in api().get("slices/acme/s/overlaps/").json()["items"]] == [
        "acme/around",
        "acme/hidden",
        "acme/inside",
    ]
    assert slice.head is None


def test_a_fork(world, api):
    world.slice("s", "src/**")
    world.land(world.root, {"src/app/x": b"1"})
    forked = api().post("slices/acme/s/fork/", {"name": "app", "folder": "src/app"}).json()
    assert (forked["slice"], forked["includes"], forked["file_count"]) == ("acme/app", ["src/app/**"], 1)
    assert code(api().post("slices/acme/s/fork/", {"name": "no", "folder": "lib"}), 400) == "outside_slice"
    assert (
        code(api().post("slices/acme/s/fork/", {"name": "no", "folder": "src/lib"}), 404) == "path_not_found"
    )
    assert code(api().post("slices/acme/s/fork/", {"name": "no", "folder": "../x"}), 400) == "invalid_path"
