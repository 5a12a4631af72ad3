"""What changed from one patchset to another, without what others landed in between; and which files one has viewed."""

from __future__ import annotations

import pytest

from changesets.comparing import Comparison, compare_patchsets
from changesets.edits import WantedEdit
from changesets.models import Changeset, FileView
from changesets.reading import changeset_pairs
from changesets.services import Proposal, add_patchset, rebase_changeset
from changesets.viewing import mark_viewed, viewed_paths
from gitslice.common.errors import NotFound
from slices.diffs import file_diffs
from slices.errors import PathNotFound
from tests.world import World

pytestmark = pytest.mark.django_db

BASE = b"".join(b"line %d\n" % number for number in range(40))
OURS = BASE.replace(b"line 3\n", b"ours 3\n")


@pytest.fixture
def world():
    return World()


@pytest.fixture
def web(world):
    slice = world.slice("web", "web/**")
    world.land(slice, {"web/a.py": BASE, "web/b.py": BASE})
    return slice


def compared(changeset: Changeset, before: int, after: int) -> Comparison:
    by_number = {patchset.number: patchset for patchset in changeset.patchsets.all()}
    for patchset in by_number.values():
        patchset.changeset = changeset
    return compare_patchsets(by_number[before], by_number[after])


def changed_lines(changeset: Changeset, comparison: Comparison) -> dict[str, list[str]]:
    diffs = file_diffs(changeset.organization_id, comparison.pairs, known=comparison.known)
    return {
        diff["path"]: [line for hunk in diff["hunks"] for line in hunk["lines"] if line[0] != " "]
        for diff in diffs
    }


def test_a_rebase_alone_changes_nothing(world, web):
    changeset = world.propose(web, {"web/a.py": OURS})
    world.land(web, {"web/a.py": BASE.replace(b"line 30\n", b"theirs 30\n"), "web/b.py": b"theirs\n"})
    rebase_changeset(actor=world.owner, changeset=changeset)
    comparison = compared(changeset, 1, 2)
    assert comparison.pairs == []
    assert comparison.left_out == {"web/a.py"}
    assert comparison.mixed == frozenset()


def test_edits_on_a_new_base_are_shown_without_what_others_landed(world, web):
    changeset = world.propose(web, {"web/a.py": OURS})
    theirs = BASE.replace(b"line 30\n", b"theirs 30\n")
    world.land(web, {"web/a.py": theirs})
    world.revise(changeset, {"web/a.py": theirs.replace(b"line 3\n", b"better 3\n")})
    comparison = compared(changeset, 1, 2)
    assert changed_lines(changeset, comparison) == {"web/a.py": ["-ours 3", "+better 3"]}
    assert comparison.left_out == {"web/a.py"}
    assert changed_lines(changeset, compared(changeset, 2, 1)) == {"web/a.py": ["-better 3", "+ours 3"]}


def test_what_touches_the_same_lines_is_shown_and_said(world, web):
    changeset = world.propose(web, {"web/a.py": OURS})
    theirs = BASE.replace(b"line 3\n", b"theirs 3\n")
    world.land(web, {"web/a.py": theirs})
    world.revise(changeset, {"web/a.py": theirs.replace(b"theirs 3\n", b"both 3\n")})
    comparison = compared(changeset, 1, 2)
    assert changed_lines(changeset, comparison) == {"web/a.py": ["-ours 3", "+both 3"]}
    assert comparison.mixed == {"web/a.py"}


def test_a_mode_that_others_changed_is_left_out(world, web):
    changeset = world.propose(web, {"web/a.py": OURS})
    world.land(web, world.edits(world.owner, {"web/a.py": BASE}, mode="100755"))
    rebase_changeset(actor=world.owner, changeset=changeset)
    assert compared(changeset, 1, 2).pairs == []


def test_an_edit_of_one_patchset_is_compared_with_its_base(world, web):
    changeset = world.propose(web, {"web/a.py": OURS})
    world.revise(changeset, {"web/b.py": OURS, "web/new.py": b"new\n"})
    lines = changed_lines(changeset, compared(changeset, 1, 2))
    assert lines == {
        "web/a.py": ["-ours 3", "+line 3"],
        "web/b.py": ["-line 3", "+ours 3"],
        "web/new.py": ["+new"],
    }


def test_a_file_that_is_renamed_later_is_one_file(world, web):
    changeset = world.propose(web, {"web/a.py": OURS})
    (content,) = world.edits(world.owner, {"web/a.py": OURS.replace(b"line 9\n", b"nine\n")})
    rename = WantedEdit("rename", "web/moved.py", content.mode, content.digest, "web/a.py")
    add_patchset(actor=world.owner, changeset=changeset, proposal=Proposal("HEAD", [rename]))
    comparison = compared(changeset, 1, 2)
    assert [(pair.path, pair.op, pair.renamed_from) for pair in comparison.pairs] == [
        ("web/moved.py", "rename", "web/a.py")
    ]
    assert changed_lines(changeset, comparison) == {"web/moved.py": ["-line 9", "+nine"]}
    back = compared(changeset, 2, 1)
    assert [(pair.path, pair.op, pair.renamed_from) for pair in back.pairs] == [
        ("web/a.py", "rename", "web/moved.py")
    ]


def test_many_moved_files_cost_few_queries(world, web, django_assert_max_num_queries):
    files = {f"web/many/{number}.py": BASE + b"%d\n" % number for number in range(40)}
    world.land(web, files)
    changeset = world.propose(web, {path: text.replace(b"line 3\n", b"o\n") for path, text in files.items()})
    world.land(web, {path: text.replace(b"line 30\n", b"t\n") for path, text in files.items()})
    rebase_changeset(actor=world.owner, changeset=changeset)
    with django_assert_max_num_queries(5):
        comparison = compared(changeset, 1, 2)
    assert len(comparison.left_out) == 40


def viewed_of(world: World, changeset: Changeset) -> set[str]:
    return set(viewed_paths(world.owner, changeset, changeset_pairs(changeset.current)))


def test_a_mark_stays_until_the_file_changes(world, web):
    changeset = world.propose(web, {"web/a.py": OURS, "web/b.py": OURS})
    for path in ("web/a.py", "web/b.py"):
        mark_viewed(actor=world.owner, changeset=changeset, path=path, viewed=True)
    assert viewed_of(world, changeset) == {"web/a.py", "web/b.py"}
    changeset = world.revise(changeset, {"web/a.py": OURS, "web/b.py": OURS + b"more\n"})
    assert viewed_of(world, changeset) == {"web/a.py"}
    mark_viewed(actor=world.owner, changeset=changeset, path="web/b.py", viewed=True, patchset=1)
    assert viewed_of(world, changeset) == {"web/a.py"}
    mark_viewed(actor=world.owner, changeset=changeset, path="web/a.py", viewed=False)
    assert viewed_of(world, changeset) == set()


def test_a_mark_outlives_a_rebase_over_other_lines(world, web):
    changeset = world.propose(web, {"web/a.py": OURS})
    mark_viewed(actor=world.owner, changeset=changeset, path="web/a.py", viewed=True)
    world.land(web, {"web/a.py": BASE.replace(b"line 30\n", b"theirs 30\n")})
    changeset, _ = rebase_changeset(actor=world.owner, changeset=changeset)
    assert changeset.current.number == 2
    assert viewed_of(world, changeset) == {"web/a.py"}


def test_only_files_of_the_changeset_are_marked(world, web):
    changeset = world.propose(web, {"web/a.py": OURS})
    with pytest.raises(PathNotFound):
        mark_viewed(actor=world.owner, changeset=changeset, path="web/b.py", viewed=True)
    with pytest.raises(NotFound):
        mark_viewed(actor=world.owner, changeset=changeset, path="web/a.py", viewed=True, patchset=9)
    assert not FileView.objects.exists()
