"""The pages of the global state, without JavaScript."""

from __future__ import annotations

import pytest

from changesets.models import Changeset
from slices.global_state.merging import _single_flight, merge_global
from slices.global_state.progress import tell_step
from slices.models import GlobalTag, Slice
from slices.tests.test_global_state import break_chain
from tests.pages import Pages, text_of, title_of
from tests.world import World


@pytest.fixture
def teams(world):
    billing = world.slice("billing", "billing/**")
    secret = world.slice("secret", "secret/**", visibility=Slice.Visibility.PRIVATE)
    world.land(billing, {"billing/a": b"1\n"}, title="Count money")
    world.land(secret, {"secret/a": b"1\n"}, title="Hidden work")
    return billing, secret


def merge(world):
    return merge_global(actor=None, organization=world.organization)[0]


def test_what_waits_is_merged_by_hand(world, teams):
    pages = Pages(world.owner)
    assert "Nothing yet" in text_of(Pages(World("other").owner).get("/other/global/"))
    text = text_of(pages.get("/acme/global/"))
    assert "2 landed commits waiting, the oldest since just now 2 slices ahead" in text
    assert "Count money" in text
    done = text_of(pages.post("/acme/global-merge/"))
    assert "g1 holds 2 landed commits." in done
    assert "0 landed commits waiting 0 slices ahead" in done
    assert "Nothing waits" in text_of(pages.post("/acme/global-merge/"))


def test_a_global_commit_is_shown_and_tagged(world, teams):
    merge(world)
    pages = Pages(world.owner)
    html = pages.get("/acme/global/g1/")
    assert title_of(html).startswith("g1 · Global state of acme")
    assert "Count money" in text_of(html)
    assert "/acme/slices/billing/commits/" in html
    text = text_of(pages.post("/acme/global/g1/tag/", name="v1.0", message="First"))
    assert "g1 is v1.0 from now on." in text
    assert GlobalTag.objects.get().message == "First"
    assert "cannot be the name of a tag" in text_of(pages.post("/acme/global/g1/tag/", name="no way"))
    assert "g1" in title_of(pages.get("/acme/global/v1.0/"))
    assert "v1.0" in text_of(pages.get("/acme/global/"))
    assert "billing" in text_of(pages.get("/acme/slices/root/", commit="v1.0"))
    assert pages.status("/acme/global/v2/") == 404


def test_how_far_a_merge_is_stands_on_the_page(world, teams):
    pages = Pages(world.owner)
    assert "is running" not in text_of(pages.get("/acme/global/"))
    with _single_flight(world.organization):
        assert "Looking for what has landed (step 1 of 5)" in text_of(pages.get("/acme/global/"))
        tell_step(world.organization.pk, "checked")
        html = pages.get("/acme/global/")
        assert "Working out the changed folders (step 3 of 5)" in text_of(html)
        assert '<progress max="5" value="2"' in html
        assert "is running" not in text_of(Pages(World("other").owner).get("/other/global/"))
    assert "is running" not in text_of(pages.get("/acme/global/"))


def test_a_global_commit_names_slices_and_changed_folders(world, teams):
    merge(world)
    text = text_of(Pages(world.owner).get("/acme/global/g1/"))
    assert "acme/billing 1 commit acme/secret 1 commit" in text
    assert "Folder Changed paths billing 1 path secret 1 path" in text
    text = text_of(Pages(world.user("member")).get("/acme/global/g1/"))
    assert "billing 1 path" in text
    assert "secret" not in text


def test_members_see_what_is_theirs_and_strangers_nothing(world, teams):
    merge(world)
    member = Pages(world.user("member"))
    for page in ("/acme/global/", "/acme/global/g1/"):
        text = text_of(member.get(page))
        assert "1 commit" in text or "1 landed commit" in text
        assert "Hidden" not in text
        assert "secret" not in text
        assert "Merge now" not in text
        assert "/slices/root/" not in member.get(page)
        assert Pages(world.user(f"stranger{len(page)}", role=None)).status(page) == 404
        assert Pages().client.get(page).url.startswith("/login/")
    assert member.client.get("/global/").url == "/acme/global/"
    assert member.status("/acme/global/g1/revert/") == 403
    assert "you may not merge" in text_of(member.post("/acme/global-merge/")).lower()


def test_undo_from_the_pages(world, teams):
    billing, _ = teams
    merge(world)
    wrong = world.land(billing, {"billing/a": b"wrong\n"}, title="Wrong")
    merge(world)
    pages = Pages(world.owner)
    assert "Revert" in pages.get(f"/acme/slices/billing/commits/{wrong.hex}/")
    assert 'Revert "Wrong"' in text_of(
        pages.post(f"/acme/slices/billing/commits/{wrong.hex}/revert/")
    ).replace("&quot;", '"')
    text = text_of(pages.get("/acme/global/g2/revert/"))
    assert "changes 1 file back" in text
    assert Changeset.objects.filter(title__startswith="Revert global").count() == 0
    assert "Revert global commit g2" in text_of(pages.post("/acme/global/g2/revert/"))


def test_a_stopped_merge_says_what_to_do(world, teams):
    break_chain(world, world.land(teams[0], {"billing/b": b"x"}))
    text = text_of(Pages(world.owner).post("/acme/global-merge/"))
    assert "The batch merge stopped" in text
    assert "manage.py fsck" in text


def test_pages_ask_a_bounded_number_of_questions(world, teams, django_assert_max_num_queries):
    for number in range(6):
        world.land(teams[0], {"billing/a": b"%d\n" % (number + 7)})
        merge(world)
    pages = Pages(world.owner)
    with django_assert_max_num_queries(26):
        pages.get("/acme/global/")
    with django_assert_max_num_queries(20):
        pages.get("/acme/global/g3/")
