"""What is said about a changeset: threads, suggestions, drafts, approvals, checks, whose turn it is."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent, Event
from accounts.people.changes import deactivate
from changesets.checks import report_check
from changesets.edits import WantedEdit
from changesets.errors import NeedsApproval, NeedsChecks, SuggestionOutdated
from changesets.models import Comment, CommentVersion, DraftComment, Review
from changesets.placing import Spot
from changesets.reviewing import change_reviewers, review_changeset, withdraw_review
from changesets.suggestions import apply_suggestions
from changesets.summaries import review_summary
from changesets.talking import (
    Said,
    comment_on_changeset,
    delete_comment,
    draft_comment,
    edit_comment,
    resolve_thread,
)
from changesets.tests.saying import body_of, fresh, suggest, text, turn_of
from gitslice.common.errors import InvalidRequest, PermissionDenied
from slices.errors import SliceForbidden
from slices.models import Slice, SliceRole
from slices.services import SliceEdit, edit_slice
from tests.api import Api, code_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


@pytest.fixture
def web(world):
    slice = world.slice("web", "web/**")
    world.land(slice, {"web/a": text()})
    return world.fresh(slice)


@pytest.fixture
def ann(world, web):
    return world.writer(web, "ann")


@pytest.fixture
def bob(world, web):
    return world.writer(web, "bob")


@pytest.fixture
def change(world, web, ann):
    return world.propose(web, {"web/a": text(l5=b"five\n")}, by=ann)


# Threads


def test_a_thread_moves_with_its_lines_and_is_outdated_when_they_change(world, change, bob):
    comment_on_changeset(actor=bob, changeset=change, body="Why?", path="web/a", line=5, start=4)
    assert body_of(change)["quote"] == ["line 4", "five"]
    world.revise(change, {"web/a": b"new\n" + text(l5=b"five\n")})
    assert body_of(change)["now"] == {"path": "web/a", "start": 5, "line": 6}
    world.revise(fresh(change), {"web/a": text(l5=b"FIVE\n")})
    found = body_of(change)
    assert (found["outdated"], found["now"], found["line"]) == (True, None, 5)
    assert found["quote"] == ["line 4", "five"]


def test_the_old_side_has_threads_too(change, bob):
    comment_on_changeset(actor=bob, changeset=change, body="It was right", path="web/a", line=5, side="old")
    assert body_of(change)["quote"] == ["line 5"]
    with pytest.raises(InvalidRequest):
        comment_on_changeset(actor=bob, changeset=change, body="x", path="web/a", line=11, side="old")


@pytest.mark.parametrize(
    "place",
    [{"line": 0}, {"line": 99}, {"line": 3, "start": 4}, {"start": 2}, {"side": "both", "line": 1}],
)
def test_places_that_are_none_are_refused(change, bob, place):
    with pytest.raises(InvalidRequest):
        comment_on_changeset(actor=bob, changeset=change, body="x", path="web/a", **place)
    assert not change.threads.exists()


def test_threads_are_resolved_and_reopened_by_who_is_concerned(world, change, ann, bob):
    comment = comment_on_changeset(actor=bob, changeset=change, body="Why?", path="web/a", line=5)
    comment_on_changeset(actor=ann, changeset=change, body="So", thread_id=comment.thread_id)
    with pytest.raises(PermissionDenied):
        resolve_thread(actor=world.user("reader"), changeset=change, thread_id=comment.thread_id)
    resolve_thread(actor=ann, changeset=change, thread_id=comment.thread_id)
    found = body_of(change)
    assert (found["resolved"], found["resolved_by"], len(found["comments"])) == (True, "ann", 2)
    resolve_thread(actor=bob, changeset=change, thread_id=comment.thread_id, resolved=False)
    assert not body_of(change)["resolved"]


def test_comments_are_edited_and_deleted_by_who_wrote_them(change, ann, bob):
    comment = comment_on_changeset(actor=bob, changeset=change, body="Frist")
    with pytest.raises(PermissionDenied):
        edit_comment(actor=ann, changeset=change, comment_id=comment.pk, body="No")
    assert edit_comment(actor=bob, changeset=change, comment_id=comment.pk, body="First").edited_at
    delete_comment(actor=bob, changeset=change, comment_id=comment.pk)
    assert list(CommentVersion.objects.values_list("body", flat=True)) == ["Frist", "First"]
    assert Comment.objects.get().body == ""


# Suggestions


def test_suggestions_become_one_patchset(world, change, ann, bob):
    one, two = suggest(change, bob, "5\n5b"), suggest(change, bob, "one", line=1)
    with pytest.raises(PermissionDenied):
        apply_suggestions(actor=bob, changeset=fresh(change), comment_ids=[one.pk])
    applied = apply_suggestions(actor=ann, changeset=fresh(change), comment_ids=[one.pk, two.pk])
    assert (applied.current.number, applied.current.origin) == (2, "suggest")
    assert body_of(change)["resolved"]
    assert body_of(change)["comments"][0]["suggestion"] == {"lines": ["5", "5b"], "applied_in": 2}
    world.merge(fresh(change))
    assert world.files()["web/a"] == text(l1=b"one\n", l5=b"5\n5b\n")


def test_nobody_applies_a_suggestion_that_they_have_not_read(change, ann, bob):
    comment = suggest(change, bob, "5")
    browser = Client()
    browser.force_login(ann)
    edit_comment(actor=bob, changeset=change, comment_id=comment.pk, body="```suggestion\nharm\n```")
    refused = browser.post(
        f"/acme/changesets/{change.number}/suggestions/", {"only": comment.pk}, follow=True
    )
    assert "has edited the suggestion" in refused.content.decode()
    read = body_of(change)["comments"][0]["edited_at"]
    with pytest.raises(SuggestionOutdated):
        apply_suggestions(
            actor=ann, changeset=fresh(change), comment_ids=[comment.pk], seen={comment.pk: read[:-1]}
        )
    assert f'value="{comment.pk}@{read}"' in refused.content.decode()
    browser.post(f"/acme/changesets/{change.number}/suggestions/", {"only": f"{comment.pk}@{read}"})
    assert fresh(change).current.number == 2


def test_only_line_feeds_end_the_lines_that_are_quoted(world, web, ann, bob):
    change = world.propose(web, {"web/a": b"one\x0c\xe2\x80\xa8same\r\ntwo\n"}, by=ann)
    comment_on_changeset(actor=bob, changeset=change, body="Hm", path="web/a", start=1, line=2)
    assert body_of(change)["quote"] == ["one\x0c\u2028same", "two"]


def test_removed_lines_of_a_renamed_file_are_commented_on(world, web, ann, bob):
    digest = world.edits(ann, {"web/a": text(l5=b"five\n")})[0].digest
    change = world.propose(web, [WantedEdit("rename", "web/b", "100644", digest, "web/a")], by=ann)
    comment_on_changeset(actor=bob, changeset=change, body="Hm", path="web/b", line=5, side="old")
    found = body_of(change)
    assert (found["quote"], found["now"]) == (["line 5"], {"path": "web/b", "start": 5, "line": 5})


def test_suggestions_for_other_lines_are_refused_and_change_nothing(world, change, ann, bob):
    good, stale = suggest(change, bob, "one", line=1), suggest(change, bob, "5")
    world.revise(fresh(change), {"web/a": text(l5=b"V\n")})
    with pytest.raises(SuggestionOutdated):
        apply_suggestions(actor=ann, changeset=fresh(change), comment_ids=[good.pk, stale.pk])
    again, over = suggest(change, bob, "x", line=3, start=2), suggest(change, bob, "y", line=4, start=3)
    with pytest.raises(InvalidRequest):
        apply_suggestions(actor=ann, changeset=fresh(change), comment_ids=[again.pk, over.pk])
    assert fresh(change).current.number == 2
    assert apply_suggestions(actor=ann, changeset=fresh(change), comment_ids=[good.pk]).current.number == 3


# Drafts


def test_drafts_are_seen_by_nobody_else(world, change, ann, bob, settings):
    settings.ALLOWED_HOSTS = ["*"]
    other, own = Api(world.token(ann)), Api(world.token(bob))
    paths = [
        f"changesets/acme/{change.number}/{end}"
        for end in ("", "comments/", "threads/", "drafts/", "reviews/", "review/", "checks/")
    ]
    page, browser = f"/acme/changesets/{change.number}/", Client()
    browser.force_login(ann)

    def seen():
        answers = [other.get(path) for path in paths] + [other.get("changesets/")]
        pages = [browser.get(page), browser.get(f"{page}files/"), browser.get("/changesets/")]
        live = browser.get(f"{page}live/")
        shown = [(answer.status_code, answer.headers.get("ETag"), answer.content) for answer in answers]
        return shown, ["Xylophone" in answer.content.decode() for answer in [*pages, live]], (
            Event.objects.count(), AuditEvent.objects.count(), live.content.decode().split("seen=")[1][:80]
        )  # fmt: skip

    before = seen()
    spot = Spot("web/a", 5)
    draft_comment(actor=bob, changeset=change, said=Said("Xylophone", spot))
    assert own.post(f"changesets/acme/{change.number}/drafts/", {"body": "Xylophone 2"}).status_code == 201
    assert seen() == before
    assert [draft["body"] for draft in own.get(paths[3]).json()["items"]] == ["Xylophone", "Xylophone 2"]
    draft = str(DraftComment.objects.first().pk)
    assert code_of(other.patch(f"{paths[3]}{draft}/", {"body": "mine"})) == (404, "not_found")
    assert other.delete(f"{paths[3]}{draft}/").status_code == 204
    assert DraftComment.objects.count() == 2

    review = own.post(
        f"changesets/acme/{change.number}/reviews/", {"verdict": "reject", "body": "See inside"}
    )
    assert (review.status_code, review.json()["state"]) == (201, "rejected")
    assert not DraftComment.objects.exists()
    assert [item["body"] for item in other.get(paths[1]).json()["items"]] == ["Xylophone", "Xylophone 2"]
    assert Event.objects.filter(kind="changeset.reject").count() == 1


def test_drafts_are_discarded_and_may_answer(change, ann, bob):
    comment = comment_on_changeset(actor=bob, changeset=change, body="Why?", path="web/a", line=5)
    draft_comment(actor=ann, changeset=change, said=Said("So", thread_id=comment.thread_id))
    review_changeset(actor=ann, changeset=change, verdict="comment")
    assert [said["body"] for said in body_of(change)["comments"]] == ["Why?", "So"]
    with pytest.raises(InvalidRequest):
        review_changeset(actor=ann, changeset=fresh(change), verdict="comment")


# Approvals


def lose_role(world, web, bob):
    SliceRole.objects.filter(slice=web, user=bob).delete()


def be_deactivated(world, web, bob):
    deactivate(bob, None, "test")


@pytest.mark.parametrize("lose", [lose_role, be_deactivated])
def test_an_approval_counts_while_its_reviewer_may_write(world, web, change, bob, lose):
    Slice.objects.filter(pk=web.pk).update(required_approvals=1)
    review_changeset(actor=bob, changeset=fresh(change), verdict="approve")
    assert review_summary(fresh(change), world.owner)["readiness"] == "ready_for_merge"
    lose(world, web, bob)
    assert review_summary(fresh(change), world.owner)["readiness"] == "needs_approval"
    with pytest.raises(NeedsApproval):
        world.merge(fresh(change))


def test_an_approval_can_be_withdrawn(world, web, change, bob):
    Slice.objects.filter(pk=web.pk).update(required_approvals=1)
    assert review_changeset(actor=bob, changeset=fresh(change), verdict="approve").state == "approved"
    assert withdraw_review(actor=bob, changeset=fresh(change)).state == "in_review"
    assert withdraw_review(actor=bob, changeset=fresh(change)).state == "in_review"
    with pytest.raises(NeedsApproval):
        world.merge(fresh(change))
    assert Review.objects.get().withdrawn_at is not None


def test_readers_comment_but_do_not_approve(world, change):
    reader = world.user("reader")
    review_changeset(actor=reader, changeset=change, verdict="comment", body="Nice")
    with pytest.raises(SliceForbidden):
        review_changeset(actor=reader, changeset=fresh(change), verdict="approve")


def test_owners_of_overlapping_slices_approve_where_the_policy_asks(world, web, change, ann, bob):
    hidden = world.slice("hidden", "web/a", visibility="private")
    carl = world.writer(hidden, "carl", SliceRole.Role.MAINTAINER)
    SliceRole.objects.filter(slice=web, user=bob).update(role="maintainer")
    with pytest.raises(PermissionDenied):
        edit_slice(actor=bob, slice=web, edit=SliceEdit(overlap_approvals="owners"))
    edit_slice(actor=world.owner, slice=web, edit=SliceEdit(overlap_approvals="owners"))
    review_changeset(actor=bob, changeset=fresh(change), verdict="approve")
    for again in range(2):  # another hidden slice is not counted
        told = [one for one in review_summary(fresh(change), ann)["requirements"] if one["code"] == "owners"]
        assert [(one["met"], "another slice" in one["title"]) for one in told] == [(False, True)]
        with pytest.raises(NeedsApproval) as refused:
            world.merge(fresh(change))
        assert "hidden" not in str(refused.value) + repr(refused.value.details)
        if not again:
            more = world.slice("more", "web/**", visibility="private")
            SliceRole.objects.create(slice=more, user=carl, role="maintainer")
    assert "acme/hidden" in repr(review_summary(fresh(change), carl)["requirements"])
    review_changeset(actor=carl, changeset=fresh(change), verdict="approve")
    assert world.merge(fresh(change)).commit


# Checks


def test_required_checks_hold_back_the_landing(world, web, change, ann, bob):
    edit_slice(actor=world.owner, slice=web, edit=SliceEdit(required_checks=["tests", "lint"]))
    with pytest.raises(PermissionDenied):
        report_check(actor=ann, changeset=fresh(change), name="tests", state="success")
    report_check(
        actor=bob, changeset=fresh(change), name="tests", state="success", url="https://ci.example/1"
    )
    report_check(actor=bob, changeset=fresh(change), name="lint", state="failure", summary="2 errors")
    summary = review_summary(fresh(change), ann)
    assert summary["readiness"] == "needs_checks"
    assert turn_of(change) == {"ann": "check_failed"}
    with pytest.raises(NeedsChecks) as refused:
        world.merge(fresh(change))
    assert refused.value.details == {"checks": ["lint"]}
    report_check(actor=bob, changeset=fresh(change), name="lint", state="success")
    assert turn_of(change) == {}
    world.revise(fresh(change), {"web/a": text(l5=b"V\n")})
    with pytest.raises(NeedsChecks):
        world.merge(fresh(change))
    assert world.merge(fresh(change), actor=world.owner, force=True).commit


def test_a_check_that_is_reported_again_is_the_same(world, change, bob):
    api = Api(world.token(bob, scopes=["review"]))
    body = {"name": "tests", "state": "pending", "patchset": 1}
    first = api.post(f"changesets/acme/{change.number}/checks/", body).json()
    again = api.post(f"changesets/acme/{change.number}/checks/", body).json()
    assert first == again
    assert Event.objects.filter(kind="changeset.check").count() == 1
    bad = body | {"url": "javascript:alert(1)"}
    assert code_of(api.post(f"changesets/acme/{change.number}/checks/", bad)) == (400, "invalid_request")


# Whose turn it is


def test_the_turn_goes_back_and_forth(world, change, ann, bob):
    change_reviewers(actor=ann, changeset=fresh(change), add=["bob"])
    assert turn_of(change) == {"bob": "review_requested"}
    comment = comment_on_changeset(actor=bob, changeset=fresh(change), body="Why?", path="web/a", line=5)
    assert turn_of(change) == {"ann": "commented"}
    comment_on_changeset(actor=ann, changeset=fresh(change), body="So", thread_id=comment.thread_id)
    assert turn_of(change) == {"bob": "answered"}
    review_changeset(actor=bob, changeset=fresh(change), verdict="reject")
    assert turn_of(change) == {"ann": "changes_requested"}
    world.revise(fresh(change), {"web/a": text(l5=b"V\n")})
    assert turn_of(change) == {"bob": "new_patchset"}
    review_changeset(actor=bob, changeset=fresh(change), verdict="approve", body="@reader @nobody look")
    assert turn_of(change) == {"ann": "approved"}
    world.merge(fresh(change))
    assert turn_of(change) == {}


def test_who_is_mentioned_and_may_see_it_is_told(world, web, change, bob):
    Slice.objects.filter(pk=web.pk).update(visibility="private")
    world.user("outside")
    comment_on_changeset(actor=bob, changeset=fresh(change), body="@outside and @acme-owner, `@bob`")
    assert turn_of(change) == {"ann": "commented", "acme-owner": "mentioned"}
    assert world.owner.pk in Event.objects.filter(kind="changeset.comment").last().users


# The page


def test_the_page_shows_it_in_a_bounded_number_of_questions(world, change, ann, bob):
    browser = Client()
    browser.force_login(ann)
    page = f"/acme/changesets/{change.number}/"

    def say(count):
        for number in range(count):
            where = {"path": "web/a", "line": number % 10 + 1} if number % 2 else {}
            comment_on_changeset(
                actor=bob, changeset=change, body=f"No {number}, @ann: cl-1 `web/a`", **where
            )

    say(10)
    with CaptureQueriesContext(connection) as few:
        assert browser.get(page).status_code == 200
    say(190)
    world.revise(fresh(change), {"web/a": b"new\n" + text(l5=b"five\n")})
    with CaptureQueriesContext(connection) as many:
        answer = browser.get(page)
    assert len(many) <= len(few) + 3  # the contents, to follow the lines to the new patchset
    assert len(many) <= 45
    shown = answer.content.decode()
    assert "<strong>@ann</strong>" in shown
    assert shown.count('class="card thread') == 200
    assert 'href="/acme/changesets/1/"' in shown


def test_the_button_says_what_is_missing(world, web, change, bob):
    Slice.objects.filter(pk=web.pk).update(required_approvals=1, required_checks=["tests"])
    suggest(change, bob, "<b>5</b>")
    browser = Client()
    browser.force_login(change.author)
    shown = browser.get(f"/acme/changesets/{change.number}/").content.decode()
    assert 'aria-disabled="true" aria-describedby="missing"' in shown
    assert "0 of 1 approvals" in shown
    assert "The check tests has not been reported" in shown
    assert "&lt;b&gt;5&lt;/b&gt;" in shown
    assert "your turn" in shown
    browser.post(f"/acme/changesets/{change.number}/suggestions/", {"only": Comment.objects.get().pk})
    assert fresh(change).current.number == 2


def test_lists_show_whose_turn_it_is_with_one_more_question(world, web, ann, bob):
    for number in range(3):
        made = world.propose(web, {f"web/{number}": b"x\n"}, by=ann)
        change_reviewers(actor=ann, changeset=made, add=["bob"])
    world.propose(web, {"web/quiet": b"x\n"}, by=ann)
    api, browser = Api(world.token(bob)), Client()
    browser.force_login(bob)
    with CaptureQueriesContext(connection) as asked:
        items = api.get("changesets/", status="open").json()["items"]
    assert [[turn["user"] for turn in item["attention"]] for item in items] == [[], *[["bob"]] * 3]
    assert sum("changesets_attention" in query["sql"] for query in asked) == 1
    assert len(api.get("changesets/", attention="1").json()["items"]) == 3
    assert (
        browser.get("/").content.decode().count("your turn</span>") == 7
    )  # the number, and twice three rows
    assert "web/quiet" not in browser.get("/changesets/?turn=1").content.decode()
