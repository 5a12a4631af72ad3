"""Lines are followed while they only move."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changesets.carrying import carried
from changesets.suggesting import (
    Replacement,
    overlapping,
    replaced,
    small_diff,
    suggested,
    without_suggestion,
)
from gitslice_core.diff import diff_lines, split_lines

TEXT = b"a\nb\nc\nd\n"


@pytest.mark.parametrize(
    ("new", "start", "line", "now"),
    [
        (b"a\nb\nc\nd\n", 2, 3, (2, 3)),
        (b"x\na\nb\nc\nd\n", 2, 3, (3, 4)),
        (b"b\nc\nd\n", 2, 3, (1, 2)),
        (b"a\nb\nc\nd\nx\n", 2, 3, (2, 3)),
        (b"a\nb\nx\nc\nd\n", 2, 3, None),
        (b"a\nB\nc\nd\n", 2, 3, None),
        (b"a\nd\n", 2, 3, None),
        (b"", 1, 4, None),
    ],
)
def test_lines_move_or_are_outdated(new, start, line, now):
    assert carried(diff_lines(split_lines(TEXT), split_lines(new)), start, line) == now


lines = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n"]), max_size=12)


@given(old=lines, new=lines, data=st.data())
def test_what_is_carried_says_the_same(old, new, data):
    if not old:
        return
    start = data.draw(st.integers(1, len(old)))
    line = data.draw(st.integers(start, len(old)))
    now = carried(diff_lines(old, new), start, line)
    if now is not None:
        assert new[now[0] - 1 : now[1]] == old[start - 1 : line]


@pytest.mark.parametrize(
    ("body", "wanted", "rest"),
    [
        ("Better:\n```suggestion\nx\ny\n```\nNo?", ("x", "y"), "Better:\nNo?"),
        ("```suggestion\n```", (), ""),
        ("````suggestion\n```\n````", ("```",), ""),
        ("~~~ suggestion\nx\n~~~\n", ("x",), ""),
        ("```python\nx\n```", None, "```python\nx\n```"),
        ("```suggestion\nnever closed", None, "```suggestion\nnever closed"),
    ],
)
def test_a_suggestion_is_a_fenced_block(body, wanted, rest):
    assert suggested(body) == wanted
    assert without_suggestion(body) == rest


@pytest.mark.parametrize(
    ("content", "wanted", "result"),
    [
        (b"a\nb\nc\n", [Replacement(2, 2, ("x", "y"))], b"a\nx\ny\nc\n"),
        (b"a\r\nb\r\n", [Replacement(2, 2, ("x",))], b"a\r\nx\r\n"),
        (b"a\nb", [Replacement(2, 2, ("x", "y"))], b"a\nx\ny"),
        (b"a\nb\nc\n", [Replacement(1, 1, ()), Replacement(3, 3, ("z",))], b"b\nz\n"),
    ],
)
def test_suggestions_replace_lines(content, wanted, result):
    assert replaced(content, wanted) == result


def test_overlaps_are_noticed():
    assert overlapping([Replacement(3, 4, ()), Replacement(1, 3, ())])
    assert not overlapping([Replacement(3, 4, ()), Replacement(1, 2, ())])


def test_a_small_diff_keeps_what_stays():
    assert small_diff(["a", "b", "c"], ["a", "x", "c"]) == [(" ", "a"), ("-", "b"), ("+", "x"), (" ", "c")]


def test_a_comment_of_nothing_but_openings_is_read_at_once():
    assert suggested("```suggestion\n" * 100_000) is None  # with a look at the rest for each: minutes
    assert suggested("~~~suggestion\n" * 3 + "```suggestion\nx\n```") == ("x",)


def test_line_ends_of_windows_are_none_of_the_suggested_text():
    assert suggested("Better:\r\n```suggestion\r\nx\r\n\r\n```\r\n") == ("x", "")
