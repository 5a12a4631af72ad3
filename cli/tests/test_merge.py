"""Merges: `git merge-file` as the oracle, and what must hold of any merge."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from merge_cases import git_merges, triple

from gitslice_core.diff import split_lines
from gitslice_core.merge import (
    BinaryConflict,
    Conflict,
    MergeTooLarge,
    has_markers,
    mark,
    merge,
    only_formatting_differs,
)

LINE = st.sampled_from([b"a\n", b"b\n", b"c\n", b"}\n", b"\n", b"long line\n", b"a\r\n", b"\xff\n"])
TEXT = st.builds(
    lambda lines, tail: b"".join(lines) + tail, st.lists(LINE, max_size=25), st.sampled_from([b"", b"end"])
)


@given(TEXT, TEXT)
def test_a_merge_with_an_unchanged_side_is_the_other_side(base, changed):
    assert merge(base, changed, base).content == changed
    assert merge(base, base, changed).content == changed
    assert merge(base, changed, changed).content == changed


@given(TEXT, TEXT, TEXT)
def test_both_orders_agree_on_what_merges(base, ours, theirs):
    assert merge(base, ours, theirs).content == merge(base, theirs, ours).content


@given(TEXT, TEXT, TEXT)
def test_conflicts_say_where_their_lines_stand(base, ours, theirs):
    base_lines, ours_lines, theirs_lines = split_lines(base), split_lines(ours), split_lines(theirs)

    def stand(lines: list[bytes], start: int, part: tuple[bytes, ...]) -> bool:
        return tuple(lines[start - 1 : start - 1 + len(part)]) == part

    for conflict in merge(base, ours, theirs).conflicts:
        assert stand(base_lines, conflict.base_start, conflict.base)
        assert stand(ours_lines, conflict.ours_start, conflict.ours)
        assert stand(theirs_lines, conflict.theirs_start, conflict.theirs)
        assert conflict.ours != conflict.theirs


@given(TEXT, TEXT, TEXT)
def test_pieces_hold_all_lines_that_a_side_changed(base, ours, theirs):
    """With ours taken at each conflict, a line of ours is lost only where theirs alone changed the base."""
    result = merge(base, ours, theirs)
    text = [
        line for piece in result.pieces for line in (piece.ours if isinstance(piece, Conflict) else piece)
    ]
    added = set(split_lines(ours)) - set(split_lines(base))
    assert added <= set(text)
    assert [isinstance(piece, Conflict) for piece in result.pieces] == [
        bool(number % 2) for number in range(len(result.pieces))
    ]


@pytest.mark.parametrize("seed", range(4))
def test_git_agrees(tmp_path, seed):
    """The same outcome, text and markers as git for every one of 500 triples of versions."""
    generator = random.Random(seed)
    triples = [triple(generator) for _ in range(500)]
    for versions, (conflicts, text, whole) in zip(triples, git_merges(tmp_path, triples), strict=True):
        result = merge(*versions)
        assert len(result.conflicts) == conflicts
        assert mark(result) == text
        assert result.content == (None if conflicts else text)
        if conflicts:
            assert mark(result, base="base") in (whole, settled(whole))


def settled(marked: bytes) -> bytes:
    """Git's diff3 style without the conflicts of which both sides are alike, which is how it shows some."""
    lines: list[bytes] = []
    parts: list[list[bytes]] = []
    for line in split_lines(marked):
        if line.startswith(b"<<<<<<<"):
            parts = [[line]]
        elif parts and line.startswith((b"|||||||", b"=======")):
            parts.append([line])
        elif parts:
            parts[-1].append(line)
        else:
            lines.append(line)
        if line.startswith(b">>>>>>>"):
            alike = parts[0][1:] == parts[2][1:-1]
            lines += parts[0][1:] if alike else [line for part in parts for line in part]
            parts = []
    return b"".join(lines)


@pytest.mark.parametrize(
    "versions",
    [
        (b"", b"one\n", b"two\n"),
        (b"", b"one", b"two"),
        (b"a\n", b"", b"b\n"),
        (b"a\nb\nc", b"a\nx\nc", b"a\ny\nc"),
        (b"a\r\nb\r\nc\r\n", b"a\r\nx\r\nc\r\n", b"a\r\ny\r\nc\r\n"),
        (b"a\r\nb", b"a\r\nx", b"a\r\ny"),
        (b"a\nb\n", b"a\r\nb\r\n", b"a\nc\n"),
        (b"a\nb\nc\n", b"a\r\nb\r\nc\r\n", b"a\nb\nc\nd\n"),
        (b"caf\xe9\n", b"caf\xe9 x\n", b"caf\xe9 y\n"),
        (b"a\nb\n", b"a\nb", b"a\nb\nc\n"),
        (b"a\nb", b"a\nb\n", b"a\nb\nc"),
        (b"a\n\n\n\n\n\nb\n", b"1\n\n\n\n\n\n2\n", b"3\n\n\n\n\n\n4\n"),
    ],
)
def test_ends_and_encodings_are_those_of_git(tmp_path, versions):
    ((conflicts, text, whole),) = git_merges(tmp_path, [versions])
    result = merge(*versions)
    assert (len(result.conflicts), mark(result)) == (conflicts, text)
    if conflicts:
        assert mark(result, base="base") == whole


def test_a_conflict_has_its_place_lines_and_surroundings():
    base = b"1\n2\n3\n4\n5\n6\n7\n8\n9\n"
    result = merge(
        base, base.replace(b"5\n", b"five\n"), base.replace(b"5\n", b"V\n").replace(b"1\n", b"0\n1\n")
    )
    assert result.conflicts == (
        Conflict(
            base_start=5,
            base=(b"5\n",),
            ours_start=5,
            ours=(b"five\n",),
            theirs_start=6,
            theirs=(b"V\n",),
            before=(b"2\n", b"3\n", b"4\n"),
            after=(b"6\n", b"7\n", b"8\n"),
        ),
    )
    assert not result.clean
    assert result.content is None


def test_parts_of_a_conflict_name_the_base_they_come_from():
    words = [b"zero\n", b"one\n", b"two\n", b"three\n", b"four\n", b"five\n", b"six\n", b"seven\n"]
    ours = [b"0\n", *(word.upper() for word in words[1:-1]), b"7\n"]
    theirs = [b"nil\n", *(word.upper() for word in words[1:-1]), b"VII\n"]
    first, second = merge(b"".join(words), b"".join(ours), b"".join(theirs)).conflicts
    assert (first.ours, first.theirs, first.base_start) == ((b"0\n",), (b"nil\n",), 1)
    assert (second.ours, second.theirs, second.base_start + len(second.base)) == ((b"7\n",), (b"VII\n",), 9)


def test_a_long_rewrite_against_many_small_edits_conflicts():
    base = [b"%d\n" % number for number in range(9000)]
    theirs = [b"edit\n" if number % 3 else line for number, line in enumerate(base)]
    ours = [b"%d!\n" % number if number % 5 else b"edit\n" for number in range(9000)]
    result = merge(b"".join(base), b"".join(ours), b"".join(theirs))
    assert result.conflicts
    assert mark(result).count(b"edit\n") >= 6000


def test_binary_contents_are_not_merged():
    assert merge(b"a\0", b"a\0b", b"a\0").content == b"a\0b"
    result = merge(b"a\0", b"b\0", b"c\0")
    assert (result.clean, result.content, result.binary, result.conflicts) == (False, None, True, ())
    with pytest.raises(BinaryConflict):
        mark(result)


def test_a_text_above_the_limit_is_not_merged():
    with pytest.raises(MergeTooLarge):
        merge(b"x" * 11, b"", b"", limit=10)
    assert merge(b"x" * 10, b"", b"x" * 10, limit=10).content == b""


@given(TEXT, TEXT, TEXT)
def test_markers_are_found_exactly_in_conflicts(base, ours, theirs):
    result = merge(base, ours, theirs)
    assert has_markers(mark(result)) == bool(result.conflicts)


def test_markers_begin_lines():
    assert has_markers(b"a\n<<<<<<< ours\n")
    assert has_markers(b"<<<<<<< ours\n")
    assert has_markers(b"a\r\n>>>>>>> theirs\r\n")
    assert not has_markers(b"Title\n=======\n <<<<<<< a\n<<<<<<<<<\n")


def test_white_space_alone_is_recognised():
    assert only_formatting_differs([b"a  b\n"], [b"\ta b"])
    assert only_formatting_differs([b"f(a,b)\n"], [b"f( a,\r\n", b"   b )\r\n"])
    assert only_formatting_differs([b"a\n"], [b"\n", b"a\n"])
    assert not only_formatting_differs([b"a b\n"], [b"a c\n"])
    assert not only_formatting_differs([b"else if\n"], [b"elseif\n"])
    assert not only_formatting_differs([b"a\n"], [])
    assert only_formatting_differs([b"f('a', b)\n"], [b"f(\n", b'    "a",\n', b"    b,\n", b")\n"])
    assert not only_formatting_differs([b"f(a, b)\n"], [b"f(a b)\n"])
