"""Whose hands made what stands in a changeset: they cannot approve it, and only an author who made it speaks as an owner."""

from __future__ import annotations

import pytest

from changesets.checks import report_check
from changesets.edits import WantedEdit
from changesets.errors import NeedsApproval, OutdatedBase
from changesets.models import Patchset
from changesets.reviewing import review_changeset
from changesets.services import Proposal, add_patchset, amend_changeset, rebase_changeset
from changesets.suggestions import apply_suggestions
from changesets.tests.saying import fresh, suggest, text
from conflicts.resolution import Resolution, resolve_conflicts
from gitslice.common.errors import PermissionDenied
from slices.models import Slice
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
def people(world, web):
    return [world.writer(web, name) for name in ("ann", "bob", "cleo")]


def upload(world, changeset, by, files):
    proposal = Proposal("HEAD", world.edits(by, files))
    return add_patchset(actor=by, changeset=fresh(changeset), proposal=proposal)


def amend(world, changeset, by, path, content):
    [edit] = world.edits(by, {path: content})
    return amend_changeset(
        actor=by, changeset=fresh(changeset), edits=[WantedEdit("add", path, "100644", edit.digest)]
    )


def approve(changeset, by):
    return review_changeset(actor=by, changeset=fresh(changeset), verdict="approve")


def test_who_handed_in_edits_does_not_approve_them_once_others_build_upon_them(world, web, people):
    ann, bob, cleo = people
    change = world.propose(web, {"web/a": text(l5=b"five\n")}, by=ann)
    amend(world, change, bob, "web/b", b"by bob\n")
    amend(world, change, ann, "web/c", b"by ann\n")
    with pytest.raises(PermissionDenied):
        approve(change, bob)
    with pytest.raises(PermissionDenied):
        report_check(actor=bob, changeset=fresh(change), name="ci", state="success")
    rebase_changeset(actor=ann, changeset=fresh(change))
    assert approve(change, cleo).state == "approved"


def test_a_suggestion_on_top_does_not_hide_whose_edits_these_are(world, web, people):
    ann, bob, cleo = people
    change = world.propose(web, {"web/a": text(l5=b"five\n")}, by=ann)
    upload(world, change, bob, {"web/a": text(l5=b"5\n"), "web/b": b"by bob\n"})
    comment = suggest(fresh(change), cleo, "one", line=1)
    apply_suggestions(actor=ann, changeset=fresh(change), comment_ids=[comment.pk])
    with pytest.raises(PermissionDenied):
        approve(change, bob)
    upload(world, change, ann, {"web/a": text(l5=b"V\n")})
    assert approve(change, bob).state == "approved"


def test_an_owner_does_not_vouch_for_what_somebody_else_put_into_their_changeset(world, web, people):
    ann, bob, _ = people
    core = world.slice("core", "web/core/**")
    world.land(core, {"web/core/x": b"1\n"})
    Slice.objects.filter(pk=web.pk).update(overlap_approvals="owners")
    world.writer(core, "dan", role="maintainer")
    core.roles.create(user=ann, role="maintainer")
    change = world.propose(web, {"web/a": text(l5=b"five\n")}, by=ann)
    upload(world, change, bob, {"web/core/x": b"2\n"})
    with pytest.raises(NeedsApproval):
        world.merge(fresh(change), actor=bob)
    upload(world, change, ann, {"web/core/x": b"3\n"})
    assert world.merge(fresh(change), actor=bob).commit


def test_what_was_resolved_stays_so_below_further_patchsets(world, web, people):
    ann = people[0]
    old = world.fresh(web).head
    change = world.propose(web, {"web/a": text(l5=b"ann\n")}, by=ann)
    world.land(web, {"web/a": text(l5=b"owner\n")})
    resolve_conflicts(actor=ann, changeset=fresh(change), resolutions=[Resolution("web/a", "ours")])
    amend(world, change, ann, "web/b", b"more\n")
    edits = [WantedEdit("modify", "web/a", "100644", world.edits(ann, {"web/a": b"else\n"})[0].digest)]
    with pytest.raises(OutdatedBase):
        add_patchset(actor=ann, changeset=fresh(change), proposal=Proposal(old.hex, edits))


def test_amending_is_told_apart_from_handing_in_everything(world, web, people):
    change = world.propose(web, {"web/a": text(l5=b"five\n")}, by=people[0])
    assert amend(world, change, people[1], "web/b", b"b\n").current.origin == Patchset.Origin.AMEND
