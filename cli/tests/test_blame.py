"""Which version each line came with."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from gitslice_core.blame import Walk, differing
from gitslice_core.diff import diff_lines, split_lines

LINE = st.sampled_from([b"a\n", b"b\n", b"\n", b"}\n", b"a\r\n", b"x\ry\n"])
TEXT = st.builds(
    lambda lines, tail: b"".join(lines) + tail,
    st.lists(LINE, max_size=30),
    st.sampled_from([b"", b"end", b"\r"]),
)


def walked(versions: list[bytes]) -> list[int]:
    """For each line of the last version the place of the version that it came with."""
    walk = Walk(versions[-1])
    found = [-1] * len(split_lines(versions[-1]))
    for place in reversed(range(len(versions) - 1)):
        for line in walk.older(versions[place]):
            assert found[line] == -1
            found[line] = place + 1
    for line in walk.rest():
        assert found[line] == -1
        found[line] = 0
    assert -1 not in found
    return found


def carried(versions: list[bytes]) -> list[int]:
    """The same, forwards from the oldest version, by diffs of whole texts."""
    found = [0] * len(split_lines(versions[0]))
    for place in range(1, len(versions)):
        old, new = split_lines(versions[place - 1]), split_lines(versions[place])
        shift = 0
        for change in diff_lines(old, new):
            at = change.old_start + shift
            found[at : at + change.old_end - change.old_start] = [place] * (change.new_end - change.new_start)
            shift += (change.new_end - change.new_start) - (change.old_end - change.old_start)
    return found


def test_lines_come_with_the_version_that_added_them():
    assert walked([b"a\nb\n", b"a\nx\nb\n", b"new\na\nx\nb\nend"]) == [2, 0, 1, 0, 2]
    assert walked([b"a\nb\n", b"", b"a\nb\n"]) == [2, 2]
    assert walked([b"", b"one\n"]) == [1]
    assert walked([b"one\n", b""]) == []


def test_a_line_that_went_and_came_back_is_new():
    assert walked([b"a\nb\nc\n", b"a\nc\n", b"a\nb\nc\n"]) == [0, 2, 0]


@given(st.lists(TEXT, min_size=1, max_size=5))
def test_it_is_what_the_diffs_say(versions):
    assert walked(versions) == carried(versions)


@given(TEXT, TEXT)
def test_what_differs_stands_between_what_both_share(old, new):
    skipped, old_part, new_part = differing(old, new)
    old_lines, new_lines = split_lines(old), split_lines(new)
    tail = len(new_lines) - skipped - len(new_part)
    assert old_lines[skipped : skipped + len(old_part)] == old_part
    assert new_lines[skipped : skipped + len(new_part)] == new_part
    assert old_lines[:skipped] == new_lines[:skipped]
    assert old_lines[len(old_lines) - tail :] == new_lines[len(new_lines) - tail :]


def test_long_texts_are_cut_to_what_differs():
    choose = random.Random(7)
    for size in (1000, 20_000):
        old = [b"line %d\n" % number for number in range(size)]
        at = choose.randrange(300, size - 300)
        new = [*old[:at], b"added\n", *old[at + 1 :]]
        skipped, old_part, new_part = differing(b"".join(old), b"".join(new))
        assert len(new_part) == len(old_part) < 300
        assert skipped > at - 150
        assert walked([b"".join(old), b"".join(new)]) == [int(line == b"added\n") for line in new]
