"""The verdict of `make soak` sees what it has to see."""

from __future__ import annotations

import pytest

from bench.soak.ledger import Landing, Ledger, Outage, Trouble, unexplained
from bench.soak.report import BEGIN, END, put_between_marks
from bench.soak.verdict import leaks, wrong_landings, wrong_proposals, wrong_state

COMMIT = ["one", "aa", 1, {"web/a": "d1"}, {}]


@pytest.fixture
def ledger():
    ledger = Ledger()
    ledger.landed(Landing("one", "aa", {"web/a": "d1"}, "line of one.", 0, 1))
    return ledger


def state(**changes):
    facts = {
        "halves": {},
        "global": {"problem": None, "stored": "t", "replayed": "t", "files": {}},
        "conflicts": {"standing": [], "fresh": []},
        "failed_tasks": [],
    }
    return facts | changes


def test_all_well(ledger):
    assert list(wrong_landings(ledger, [COMMIT, ["First", "ff", 1, {"x": "d"}, {}]], "First")) == []
    assert list(wrong_state(ledger, state())) == []


@pytest.mark.parametrize(
    "commits",
    [
        [],  # lost
        [COMMIT, COMMIT],  # doubled
        [["one", "bb", 1, {"web/a": "d1"}, {}]],  # another commit than was told
        [["one", "aa", 1, {"web/a": "d2"}, {}]],  # other content
        [["one", "aa", 2, {"web/a": "d1"}, {}]],  # a part is missing
        [COMMIT, ["two", "bb", 1, {"web/b": "d1"}, {}]],  # nobody was told of the second
    ],
)
def test_landings_that_are_not_as_acknowledged(ledger, commits):
    assert len(list(wrong_landings(ledger, commits, "First"))) == 1


def test_a_merged_content_has_what_was_landed():
    ledger = Ledger()
    ledger.landed(Landing("one", "aa", {"web/a": "d1"}, "line of one.", 0, 1, ("web/a",)))
    assert (
        list(wrong_landings(ledger, [["one", "aa", 1, {"web/a": "d2"}, {"web/a": "line of one."}]], "")) == []
    )
    lost = [["one", "aa", 1, {"web/a": "d2"}, {"web/a": "line of two."}]]
    assert len(list(wrong_landings(ledger, lost, ""))) == 1


def test_what_was_never_answered_may_be_there_once():
    ledger = Ledger()
    ledger.sending("one")
    assert list(wrong_landings(ledger, [COMMIT], "")) == []
    assert len(list(wrong_landings(ledger, [COMMIT, COMMIT], ""))) == 1


def test_proposals_that_are_lost_or_doubled():
    ledger = Ledger()
    ledger.proposed("one", 4, refused=True)
    assert list(wrong_proposals(ledger, [["one", 4, "pending"]])) == []
    assert len(list(wrong_proposals(ledger, []))) == 1
    assert (
        len(
            list(
                wrong_proposals(ledger, [["one", 4, "pending"], ["two", 5, "pending"], ["two", 6, "pending"]])
            )
        )
        == 1
    )
    assert len(list(wrong_proposals(ledger, [["one", 4, "merged"]]))) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"halves": {"changeset without patchset": ["3"]}},
        {"global": {"problem": None, "stored": "t", "replayed": "u", "files": {}}},
        {"conflicts": {"standing": [], "fresh": [[1, None, "web/a"]]}},
        {"conflicts": {"standing": [[1, None, "web/a"]], "fresh": []}},
        {"failed_tasks": ["conflicts.detect: x"]},
    ],
)
def test_states_that_are_wrong(changes):
    assert len(list(wrong_state(Ledger(), state(**changes)))) == 1


def test_troubles_are_excused_by_an_outage_at_their_time():
    outage = Outage("web", began=100, started=101, ended=103)
    during, after, before = Trouble(99, 101, "a"), Trouble(120, 121, "b"), Trouble(10, 11, "c")
    assert unexplained([during, after, before], [outage]) == [after, before]
    unnoticed = Outage("worker", began=100, started=101, ended=103)
    assert unexplained([during], [unnoticed]) == [during]


def test_leaks():
    before = {"web": {"bytes": 50 << 20, "files": 20}}
    assert list(leaks(before, {"web": {"bytes": 90 << 20, "files": 40}}, {"idle": 4})) == []
    after = {"web": {"bytes": 500 << 20, "files": 400}}
    assert len(list(leaks(before, after, {"idle in transaction": 1}))) == 3


def test_figures_are_put_between_the_marks_alone():
    page = f"# Page\n\n{BEGIN}\nold\n{END}\n\nrest\n"
    assert put_between_marks(page, ["new"]) == f"# Page\n\n{BEGIN}\n\nnew\n\n{END}\n\nrest\n"
    with pytest.raises(ValueError, match="no part"):
        put_between_marks("# Page\n", ["new"])
