"""`/api/v1/global/`: what members, mergers and strangers get."""

from __future__ import annotations

import pytest

from slices.global_state.merging import merge_global
from slices.global_state.tags import create_tag
from slices.models import GlobalCommit, Slice
from tests.pages import Pages

pytestmark = pytest.mark.django_db


@pytest.fixture
def teams(world):
    open_slice = world.slice("open", "open/**")
    secret = world.slice("secret", "secret/**", visibility=Slice.Visibility.PRIVATE)
    Slice.objects.filter(name="root").update(visibility=Slice.Visibility.PRIVATE)
    world.land(open_slice, {"open/a": b"1"}, title="Open work")
    world.land(secret, {"secret/a": b"1"}, title="Secret work")
    return open_slice, secret


def body(response, status=200):
    assert response.status_code == status, response.content
    return response.json()


def test_status_before_and_after_a_merge(world, api, teams):
    owner = api()
    status = body(owner.get("global/acme/"))
    assert (status["commit"], status["number"], status["pending_commits"]) == (None, 0, 2)
    assert [(row["slice"], row["ahead"], row["last_merged"]) for row in status["slices"]] == [
        ("acme/open", 1, None),
        ("acme/secret", 1, None),
    ]
    tried = body(owner.post("global/acme/merge/", {"dry_run": True}))
    assert (tried["commit"], tried["number"], tried["merged_commits"], tried["dry_run"]) == (None, 1, 2, True)
    done = body(owner.post("global/acme/merge/", {}))
    assert (done["number"], done["merged_commits"], done["slices"]) == (1, 2, ["acme/open", "acme/secret"])
    assert (done["tree"], done["pending_commits"]) == (tried["tree"], 0)
    status = body(owner.get("global/acme/"))
    assert (status["commit"], status["pending_commits"], status["slices"]) == (done["commit"], 0, [])
    rows = body(owner.get("global/acme/slices/"))["items"]
    assert {row["slice"]: row["last_merged"]["number"] for row in rows} == {"acme/open": 1, "acme/secret": 1}
    world.land(teams[0], {"open/a": b"2"})
    standing = body(owner.get("slices/acme/open/status/"))
    assert (standing["ahead"], standing["last_merged"]["number"]) == (1, 1)
    standing = body(owner.get("slices/acme/root/status/"))
    assert (standing["ahead"], standing["last_merged"]["number"]) == (1, 1)
    assert body(owner.post("global/acme/merge/", {}))["number"] == 2
    done = body(owner.get("global/acme/"))
    again = body(owner.post("global/acme/merge/", {}))
    assert (again["number"], again["commit"], again["merged_commits"]) == (2, done["commit"], 0)


def test_members_see_only_what_is_theirs(world, api, teams):
    member = api(world.user("member"))
    assert body(member.get("global/acme/"))["pending_commits"] == 1
    assert [row["message"] for row in body(member.get("global/acme/pending/"))["items"]] == ["Open work"]
    assert body(member.post("global/acme/merge/", {}), 403)["code"] == "permission_denied"
    assert body(member.post("global/acme/merge/", {"dry_run": True}), 403)
    merge_global(actor=None, organization=world.organization)
    [row] = body(member.get("global/acme/commits/"))["items"]
    assert (row["commits"], row["files"], row["slices"]) == (1, None, {"acme/open": 1})
    detail = body(member.get("global/acme/commits/g1/"))
    assert [landed["message"] for landed in detail["merged"]] == ["Open work"]
    assert "secret" not in str(detail).lower()
    stats = body(member.get("global/acme/stats/"))
    assert [row["slice"] for row in stats["slices"]] == ["acme/open"]
    assert stats["days"][-1]["landings"] == 1
    assert "secret" not in str(body(member.get("global/acme/slices/")))


def test_strangers_see_nothing(world, api, teams):
    Slice.objects.filter(name="open").update(visibility=Slice.Visibility.PUBLIC)
    stranger = api(world.user("stranger", role=None))
    for path in ("", "slices/", "pending/", "commits/", "commits/g1/", "tags/", "stats/"):
        assert body(stranger.get(f"global/acme/{path}"), 404)["code"] == "organization_not_found"
        assert api(None).get(f"global/acme/{path}").status_code == 401
    for path in ("merge/", "tags/", "commits/g1/revert/"):
        assert stranger.post(f"global/acme/{path}", {"tag": "v1"}).status_code == 404


def test_a_public_slice_tells_outsiders_nothing_of_the_global_state(world, api, teams):
    Slice.objects.filter(name="open").update(visibility=Slice.Visibility.PUBLIC)
    merged, _ = merge_global(actor=None, organization=world.organization)
    create_tag(actor=world.owner, organization=world.organization, name="project-x", target=merged)
    member = api(world.user("member"))
    for caller in (api(None), api(world.user("stranger", role=None))):
        for name in ("project-x", "g1", "global", merged.hex):
            for path in (f"commits/{name}/", f"manifest/?commit={name}", f"tree/?commit={name}"):
                told = caller.get(f"slices/acme/open/{path}")
                assert (told.status_code, told.json()["code"]) == (404, "commit_not_found"), path
    assert member.get("slices/acme/open/tree/?commit=project-x").status_code == 200
    seen = body(member.get("global/acme/commits/g1/"))
    assert (seen["tree"], seen["salt"], body(member.get("global/acme/"))["tree"]) == (None, None, None)
    assert len(body(api().get("global/acme/commits/g1/"))["salt"]) == 32


def test_a_slice_that_was_empty_then_is_compared_with_nothing(world, api, teams):
    merge_global(actor=None, organization=world.organization)
    late = world.slice("late", "late/**")
    world.land(late, {"late/a": b"1"})
    merge_global(actor=None, organization=world.organization)
    owner = api()
    diff = body(owner.get("slices/acme/late/diff/", **{"from": "g1", "to": "g2"}))
    assert (diff["from"], [item["path"] for item in diff["files"]]) == (None, ["late/a"])
    back = body(owner.get("slices/acme/late/diff/", **{"from": "g2", "to": "g1"}))
    assert [item["op"] for item in back["files"]] == ["delete"]
    assert "was empty at g1" in body(owner.get("slices/acme/late/commits/g1/"), 404)["detail"]
    assert Pages(world.owner).get("/acme/slices/late/compare/g1...g2/").count("late/a")


def test_limits_of_a_merge_by_hand(world, api, teams):
    owner = api()
    world.land(teams[0], {"open/b": b"1"})
    done = body(owner.post("global/acme/merge/", {"slices": ["acme/open"], "max_commits": 1}))
    assert (done["merged_commits"], done["slices"], done["pending_commits"]) == (1, ["acme/open"], 2)
    assert body(owner.post("global/acme/merge/", {"slices": ["nothing"]}), 404)["code"] == "slice_not_found"
    for wrong in (
        {"max_commits": 0},
        {"slices": ["other/open"]},
        {"slices": "open"},
        {"dry_run": "maybe"},
        [],
    ):
        assert owner.post("global/acme/merge/", wrong).status_code == 400, wrong


def test_pages_of_history_pending_and_tags(world, api, teams, django_assert_max_num_queries):
    owner = api()
    for number in range(5):
        world.land(teams[0], {"open/a": b"v%d" % number})
        merge_global(actor=None, organization=world.organization)
        body(owner.post("global/acme/tags/", {"tag": f"v{number}", "commit": "global"}), 201)
    for path, key, wanted in (
        ("commits/", "number", [5, 4, 3, 2, 1]),
        ("tags/", "tag", ["v4", "v3", "v2", "v1", "v0"]),
    ):
        first = body(owner.get(f"global/acme/{path}", limit=3))
        with django_assert_max_num_queries(10):
            second = body(owner.get(f"global/acme/{path}", limit=3, cursor=first["next_cursor"]))
        assert [item[key] for item in first["items"] + second["items"]] == wanted
        assert second["next_cursor"] is None
    for number in range(3):
        world.land(teams[0], {"open/a": b"w%d" % number}, title=f"w{number}")
    first = body(owner.get("global/acme/pending/", limit=2))
    second = body(owner.get("global/acme/pending/", limit=2, cursor=first["next_cursor"]))
    assert [item["message"] for item in first["items"] + second["items"]] == ["w0", "w1", "w2"]
    assert owner.get("global/acme/commits/", cursor="InYi").status_code == 400


def test_tags_are_made_once_and_name_commits_everywhere(world, api, teams):
    owner = api()
    merge_global(actor=None, organization=world.organization)
    key = {"Idempotency-Key": "k1"}
    made = body(owner.post("global/acme/tags/", {"tag": "v1", "message": "First"}, key), 201)
    assert (made["tag"], made["number"], made["message"]) == ("v1", 1, "First")
    assert body(owner.post("global/acme/tags/", {"tag": "v1", "message": "First"}, key), 201) == made
    world.land(teams[0], {"open/a": b"2"})
    merge_global(actor=None, organization=world.organization)
    assert body(owner.post("global/acme/tags/", {"tag": "v1"}), 409)["code"] == "name_taken"
    assert body(owner.post("global/acme/tags/", {"tag": "g5"}), 400)["code"] == "invalid_request"
    assert (
        body(owner.post("global/acme/tags/", {"tag": "v9", "commit": "v8"}), 404)["code"]
        == "commit_not_found"
    )
    assert body(owner.get("global/acme/commits/v1/"))["tags"] == ["v1"]
    lines = b"".join(owner.get("slices/acme/open/manifest/", commit="v1").streaming_content)
    assert lines.split()[1] == b"6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    assert b"".join(owner.get("slices/acme/open/file/", path="open/a", commit="v1").streaming_content) == b"1"
    assert body(owner.get("slices/acme/open/commits/v1/"))["message"] == "Open work"
    assert (
        body(owner.get("slices/acme/root/diff/", **{"from": "v1", "to": "g2"}))["files"][0]["path"]
        == "open/a"
    )


def test_a_stopped_state_says_why_to_who_sees_everything(world, api, teams):
    from slices.models import GlobalState

    problem = {"message": "secret/a has a gap", "path": "secret/a", "seq": 7}
    from django.utils import timezone

    GlobalState.objects.create(organization=world.organization, problem=problem, problem_at=timezone.now())
    assert body(api().get("global/acme/"))["problem"]["path"] == "secret/a"
    told = body(api(world.user("member")).get("global/acme/"))["problem"]
    assert told["message"] == "the global state cannot go on"
    assert "path" not in told


def test_statistics_count_rows(world, api, teams):
    owner = api()
    merge_global(actor=None, organization=world.organization)
    stats = body(owner.get("global/acme/stats/", days=3))
    assert len(stats["days"]) == 3
    today = stats["days"][-1]
    assert (today["landings"], today["files"], today["global_commits"]) == (
        2,
        2,
        GlobalCommit.objects.count(),
    )
    assert today["global_seconds"] > 0
    assert today["changeset_seconds"] > 0
    assert stats["days"][0]["landings"] == 0
    by_slice = {row["slice"]: row for row in stats["slices"]}
    assert (by_slice["acme/open"]["landings"], by_slice["acme/open"]["ahead"]) == (1, 0)
    for wrong in ("0", "367", "x", "-1"):
        assert owner.get("global/acme/stats/", days=wrong).status_code == 400


def test_the_admin_shows_it_and_changes_nothing(world, teams, admin_client):
    merged, _ = merge_global(actor=None, organization=world.organization)
    for page in ("globalcommit", "globaltag", "globalstate"):
        assert admin_client.get(f"/admin/slices/{page}/").status_code == 200
        assert admin_client.get(f"/admin/slices/{page}/add/").status_code == 403
    page = f"/admin/slices/globalcommit/{merged.pk}/change/"
    assert merged.hex in admin_client.get("/admin/slices/globalcommit/").content.decode()
    assert admin_client.post(page, {"number": 7}).status_code == 403


def test_an_address_that_is_none_is_a_problem_document(world, api):
    told = api().get("global/acme/commits/a/b/")
    assert (told.status_code, told["Content-Type"]) == (404, "application/problem+json")
    assert told.json()["code"] == "not_found"
    assert Pages(world.owner).client.get("/no/such/page/")["Content-Type"].startswith("text/html")
