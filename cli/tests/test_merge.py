"""The merge against `git merge-file` as the oracle, and what must hold of any merge."""

from __future__ import annotations

import random
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitslice_core.diff import Change, diff_lines, hunks, is_binary, line_stats, split_lines, unified
from gitslice_core.merge import MergeTooLarge, has_markers, mark, merge, only_whitespace_differs

LINE = st.sampled_from([b"a\n", b"b\n", b"c\n", b"}\n", b"\n", b"long line\n"])
TEXT = st.builds(
    lambda lines, tail: b"".join(lines) + tail, st.lists(LINE, max_size=25), st.sampled_from([b"", b"end"])
)


def applied(old: list[bytes], new: list[bytes], changes: list[Change]) -> list[bytes]:
    result: list[bytes] = []
    at = 0
    for change in changes:
        result += old[at : change.old_start] + new[change.new_start : change.new_end]
        at = change.old_end
    return result + old[at:]


@given(TEXT, TEXT)
def test_a_diff_makes_the_new_text_of_the_old(old, new):
    old_lines, new_lines = split_lines(old), split_lines(new)
    changes = diff_lines(old_lines, new_lines)
    assert applied(old_lines, new_lines, changes) == new_lines
    assert b"".join(split_lines(old)) == old


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
    ours_lines, theirs_lines = split_lines(ours), split_lines(theirs)
    for conflict in merge(base, ours, theirs).conflicts:
        start = conflict.ours_start - 1
        assert tuple(ours_lines[start : start + len(conflict.ours)]) == conflict.ours
        start = conflict.theirs_start - 1
        assert tuple(theirs_lines[start : start + len(conflict.theirs)]) == conflict.theirs


def test_git_agrees(tmp_path):
    """1,500 triples with repeated lines, moved blocks and missing final newlines: never clean where git sees a
    conflict, the same text where both are clean, and at most one in 500 that only git merges."""
    generator = random.Random(20261123)
    only_git = 0
    for _ in range(1500):
        base, ours, theirs = triple(generator)
        code, text = git_merge_file(tmp_path, base, ours, theirs)
        result = merge(base, ours, theirs)
        if result.clean:
            assert code == 0
            assert result.content == text
        elif code == 0:
            only_git += 1
    assert only_git <= 3


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        (b"a\nb\nc\n", b"a\nx\nc\n", b"a\ny\nc\n"),
        (b"a\nb\nc\n", b"a\nx\nc", b"a\ny\nc"),
        (b"a\r\nb\r\nc\r\n", b"a\r\nx\r\nc\r\n", b"a\r\ny\r\nc\r\n"),
        (b"", b"one\n", b"two\n"),
        (b"caf\xe9\n", b"caf\xe9 x\n", b"caf\xe9 y\n"),
    ],
)
def test_markers_are_those_of_git(tmp_path, base, ours, theirs):
    _, text = git_merge_file(tmp_path, base, ours, theirs)
    marked = mark(merge(base, ours, theirs))
    assert marked == text
    assert has_markers(marked)


def triple(generator: random.Random) -> tuple[bytes, bytes, bytes]:
    words = [b"", b"}", b"{", b"return", b"a", b"b", b"c"]

    def edited(lines: list[bytes]) -> list[bytes]:
        lines = list(lines)
        for _ in range(generator.randint(1, 4)):
            kind, at = generator.random(), generator.randint(0, len(lines))
            if kind < 0.4:
                fresh = [generator.choice([*words, b"new %d" % generator.randint(0, 99)]) for _ in range(3)]
                lines[at:at] = fresh[: generator.randint(1, 3)]
            elif kind < 0.7:
                del lines[at : at + generator.randint(1, 3)]
            elif kind < 0.9:
                lines[at : at + 1] = [b"changed %d" % generator.randint(0, 99)]
            else:
                to = generator.randint(0, len(lines))
                lines[to:to] = lines[at : at + 3]
        return lines

    base = [
        generator.choice(words) if generator.random() < 0.4 else b"line %d" % number
        for number in range(generator.randint(0, 30))
    ]
    texts = (base, edited(base), edited(base))
    return tuple(b"\n".join(text) + b"\n" * (generator.random() < 0.9) for text in texts)


def git_merge_file(folder, base: bytes, ours: bytes, theirs: bytes) -> tuple[int, bytes]:
    for name, text in (("base", base), ("ours", ours), ("theirs", theirs)):
        (folder / name).write_bytes(text)
    labels = ["-L", "ours", "-L", "base", "-L", "theirs"]
    result = subprocess.run(
        ["git", "merge-file", "-p", *labels, "ours", "base", "theirs"], cwd=folder, capture_output=True
    )
    return result.returncode, result.stdout


def test_a_text_above_the_limit_is_not_merged():
    with pytest.raises(MergeTooLarge):
        merge(b"x" * 11, b"", b"", limit=10)


def test_white_space_alone_is_recognised():
    assert only_whitespace_differs([b"a  b\n"], [b"\ta b"])
    assert not only_whitespace_differs([b"a b\n"], [b"a c\n"])


def test_unified_diffs_say_where_a_final_newline_is_missing():
    assert unified(b"a\nb", b"a\nc\n", "x", "x") == (
        b"--- x\n+++ x\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n"
    )
    assert unified(b"a", b"a", "x", "x") == b""


def test_hunks_of_far_changes_are_apart():
    lines = [b"%d\n" % number for number in range(50)]
    changed = list(lines)
    changed[5], changed[40] = b"x\n", b"y\n"
    first, second = hunks(b"".join(lines), b"".join(changed))
    assert (first.old_start, first.old_count, second.old_start) == (3, 7, 38)
    assert line_stats(b"".join(lines), b"".join(changed)) == (2, 2)


def test_nul_makes_binary():
    assert is_binary(b"a\0b")
    assert not is_binary(b"a" * 9000 + b"\0")
    assert diff_lines([], []) == []
