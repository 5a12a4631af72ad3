"""Diffs: what must hold of any, and git as the oracle of where changes stand."""

from __future__ import annotations

import random
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from merge_cases import triple

from gitslice_core.diff import (
    Change,
    Hunk,
    diff_interned,
    diff_lines,
    hunks,
    interned,
    is_binary,
    line_stats,
    split_lines,
    unified,
)
from gitslice_core.myers import unshared
from gitslice_core.words import ADDED, GONE, word_diff

LINE = st.sampled_from([b"a\n", b"b\n", b"\n", b"}\n", b"  a\n", b"a\r\n", b"\xff\n", b"\r\n", b"x\ry\n"])
TEXT = st.builds(
    lambda lines, tail: b"".join(lines) + tail,
    st.lists(LINE, max_size=30),
    st.sampled_from([b"", b"end", b"\r"]),
)
NUMBERS = st.lists(st.integers(0, 3), max_size=12)


def applied(old: list[bytes], new: list[bytes], changes: list[Change]) -> list[bytes]:
    result: list[bytes] = []
    at = 0
    for change in changes:
        result += old[at : change.old_start] + new[change.new_start : change.new_end]
        at = change.old_end
    return result + old[at:]


def patched(old: list[bytes], made: list[Hunk]) -> list[bytes]:
    """What `patch` would make of the hunks, checking every line that it goes by."""
    result: list[bytes] = []
    at = 0
    for hunk in made:
        start = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        result += old[at:start]
        assert len(result) == (hunk.new_start - 1 if hunk.new_count else hunk.new_start)
        gone = [line[1:] for line in hunk.lines if line[:1] != b"+"]
        come = [line[1:] for line in hunk.lines if line[:1] != b"-"]
        assert old[start : start + hunk.old_count] == gone
        assert len(come) == hunk.new_count
        result += come
        at = start + hunk.old_count
    return result + old[at:]


def longest_common(old: list[int], new: list[int]) -> int:
    lengths = [0] * (len(new) + 1)
    for line in old:
        row = [0]
        for at, other in enumerate(new):
            row.append(lengths[at] + 1 if line == other else max(lengths[at + 1], row[at]))
        lengths = row
    return lengths[-1]


@given(TEXT)
def test_lines_end_at_line_feeds_alone(text):
    lines = split_lines(text)
    assert b"".join(lines) == text
    assert all(line.endswith(b"\n") for line in lines[:-1])
    assert all(line.count(b"\n") == line.endswith(b"\n") for line in lines)


@given(TEXT, TEXT, st.integers(0, 4))
def test_a_diff_makes_the_new_text_of_the_old(old, new, context):
    old_lines, new_lines = split_lines(old), split_lines(new)
    changes = diff_lines(old_lines, new_lines)
    assert applied(old_lines, new_lines, changes) == new_lines
    assert all(a.old_end < b.old_start and a.new_end < b.new_start for a, b in pairwise(changes))
    assert patched(old_lines, hunks(old, new, context)) == new_lines
    assert line_stats(old, new) == (
        sum(c.new_end - c.new_start for c in changes),
        sum(c.old_end - c.old_start for c in changes),
    )


@given(NUMBERS, NUMBERS)
def test_what_is_kept_is_common_and_nearly_the_most(old, new):
    """Frequent lines amid deleted ones may be given up, so the longest is not promised; without them it is."""
    old_flags, new_flags = unshared(old, new)
    kept = [line for line, flag in zip(old, old_flags, strict=True) if not flag]
    assert kept == [line for line, flag in zip(new, new_flags, strict=True) if not flag]
    if set(old) == set(new):
        assert len(kept) == longest_common(old, new)


def test_changes_stand_where_git_puts_them(tmp_path):
    generator = random.Random(7)
    texts = [pair for _ in range(150) for base, ours, _ in [triple(generator)] for pair in [(base, ours)]]
    for number, (old, new) in enumerate(texts):
        (tmp_path / f"{number}.old").write_bytes(old)
        (tmp_path / f"{number}.new").write_bytes(new)
    script = "git -c diff.indentHeuristic=false -c core.autocrlf=false diff --no-index -U0 --text"
    loop = f"i=0; while [ $i -lt {len(texts)} ]; do {script} $i.old $i.new; echo 'end of pair'; i=$((i + 1)); done"
    output = subprocess.run(["sh", "-c", loop], cwd=tmp_path, stdout=subprocess.PIPE, check=True).stdout
    for (old, new), diff in zip(texts, output.split(b"end of pair\n"), strict=False):
        expected = [line.split(b"@@")[1].strip() for line in diff.split(b"\n") if line.startswith(b"@@ ")]
        changes = diff_interned(*interned(split_lines(old), split_lines(new)))
        spans = [
            (c.old_start, c.old_end - c.old_start, c.new_start, c.new_end - c.new_start) for c in changes
        ]
        found = [Hunk(a + bool(n), n, b + bool(m), m, ()).header()[3:-3].encode() for a, n, b, m in spans]
        assert found == expected


def test_git_applies_unified_diffs(tmp_path):
    generator = random.Random(8)
    for _ in range(40):
        old, new, _ = triple(generator)
        if old == new or not old or not new:
            continue
        (tmp_path / "file").write_bytes(old)
        patch = unified(old, new, "a/file", "b/file", context=generator.randint(1, 4))
        subprocess.run(["git", "apply", "--whitespace=nowarn"], cwd=tmp_path, input=patch, check=True)
        assert (tmp_path / "file").read_bytes() == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (range(100_000), range(100_000, 200_000)),
        (range(30_000), range(30_000, 0, -1)),
        (random.Random(1).choices(range(20), k=20_000), random.Random(2).choices(range(20), k=20_000)),
        ([0, 1] * 10_000, [1, 1, 0] * 7_000),
    ],
    ids=["different", "reversed", "random", "periodic"],
)
def test_hopeless_inputs_still_give_a_diff(old, new):
    old, new = list(old), list(new)
    assert applied(old, new, diff_interned(old, new)) == new


def test_whole_blocks_are_shown_as_added():
    old = b"def a():\n    pass\n\n\ndef c():\n    pass\n"
    new = b"def a():\n    pass\n\n\ndef b():\n    pass\n\n\ndef c():\n    pass\n"
    (change,) = diff_lines(split_lines(old), split_lines(new))
    assert split_lines(new)[change.new_start : change.new_end] == [b"def b():\n", b"    pass\n", b"\n", b"\n"]
    old = b"f {\n  x\n}\n"
    (change,) = diff_lines(split_lines(old), split_lines(b"f {\n  x\n}\ng {\n  x\n}\n"))
    assert (change.new_start, change.new_end) == (3, 6)


def test_unified_diffs_say_where_a_final_newline_is_missing():
    assert unified(b"a\nb", b"a\nc\n", "x", "y") == (
        b"--- x\n+++ y\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n"
    )
    assert unified(b"a", b"a", "x", "x") == b""
    (hunk,) = hunks(b"a\n\xff", b"a\n")
    assert hunk.texts() == [" a", "-\ufffd", "\\ No newline at end of file"]


def test_a_new_file_starts_at_line_0():
    (hunk,) = hunks(b"", b"a\nb\n")
    assert hunk.header() == "@@ -0,0 +1,2 @@"
    assert hunks(b"", b"") == []


def test_hunks_join_when_their_contexts_touch():
    lines = [b"%d\n" % number for number in range(50)]

    def starts(*places: int) -> list[tuple[int, int]]:
        new = [b"x\n" if number in places else line for number, line in enumerate(lines)]
        return [(hunk.old_start, hunk.old_count) for hunk in hunks(b"".join(lines), b"".join(new))]

    assert starts(5, 40) == [(3, 7), (38, 7)]
    assert starts(5, 12) == [(3, 14)]
    assert starts(5, 13) == [(3, 7), (11, 7)]
    assert starts(0, 49) == [(1, 4), (47, 4)]


def test_nul_makes_binary():
    assert is_binary(b"a" * 7999 + b"\0")
    assert not is_binary(b"a" * 8000 + b"\0")
    assert not is_binary(b"")


WORDY = st.text(alphabet="ab_ .(\n\té", max_size=30)


@given(WORDY, WORDY)
def test_word_diffs_hold_both_texts(old, new):
    spans = word_diff(old, new)
    assert "".join(span.text for span in spans if span.op != ADDED) == old
    assert "".join(span.text for span in spans if span.op != GONE) == new
    assert all(span.text for span in spans)


def test_words_change_whole():
    assert word_diff("total = add(a, b)", "total = sub(a, c)") == (
        (" ", "total = "),
        ("-", "add"),
        ("+", "sub"),
        (" ", "(a, "),
        ("-", "b"),
        ("+", "c"),
        (" ", ")"),
    )
    assert word_diff("one two", "three four") == (("-", "one two"), ("+", "three four"))
