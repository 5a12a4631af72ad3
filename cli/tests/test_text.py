"""What people read: diffs, tables, times; and diffs applied again."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime, timedelta

import pytest

from gs import style
from gs.contents import apply_hunks
from gs.diffview import print_diff, print_stat
from gs.errors import GsError
from gs.moments import parse_moment
from gs.progress import Progress

ENTRY = {"mode": "100644", "digest": "0" * 64, "size": 1}


def file_diff(**keys: object) -> dict:
    lines = [" same", "-old word here", "+new word here", " end"]
    hunk = {"old_start": 1, "old_count": 3, "new_start": 1, "new_count": 3, "lines": lines}
    base = {
        "path": "a/b.txt",
        "op": "modify",
        "renamed_from": None,
        "old": ENTRY,
        "new": ENTRY,
        "binary": False,
    }
    return {**base, "too_large": False, "additions": 1, "deletions": 1, "hunks": [hunk], **keys}


def test_diffs_are_what_patch_reads(capsys: pytest.CaptureFixture[str]) -> None:
    print_diff([file_diff()])
    assert capsys.readouterr().out == (
        "diff --git a/a/b.txt b/a/b.txt\n--- a/a/b.txt\n+++ b/a/b.txt\n@@ -1,3 +1,3 @@\n"
        " same\n-old word here\n+new word here\n end\n"
    )


def test_new_deleted_and_renamed_files_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_diff(
        [file_diff(old=None, op="add"), file_diff(new=None, op="delete"), file_diff(renamed_from="old.txt")]
    )
    text = capsys.readouterr().out
    assert "new file mode 100644\n--- /dev/null\n" in text
    assert "deleted file mode 100644\n--- a/a/b.txt\n+++ /dev/null\n" in text
    assert "rename from old.txt\nrename to a/b.txt\n" in text


def test_changed_words_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    print_diff([file_diff()], words=True)
    assert "\nsame\n[-old-]{+new+} word here\nend\n" in capsys.readouterr().out


def test_stat_sums_up(capsys: pytest.CaptureFixture[str]) -> None:
    print_stat([file_diff(), file_diff(path="long/name", additions=900, deletions=0)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "2 files, +901 -1"
    assert lines[1].count("+") == 40


def hunks(old: str, new: str) -> list[dict]:
    """FILEDIFF hunks of two texts, as the server makes them, without context."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    found = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            lines = [
                mark + text
                for sign, part in (("-", before[a:b]), ("+", after[c:d]))
                for mark, text in marked(sign, part)
            ]
            lines = [line for text in lines for line in split_mark(text)]
            start = a + 1 if b > a else a
            found.append(
                {
                    "old_start": start,
                    "old_count": b - a,
                    "new_start": c + 1,
                    "new_count": d - c,
                    "lines": lines,
                }
            )
    return found


def marked(sign: str, lines: list[str]) -> list[tuple[str, str]]:
    return [(sign, line) for line in lines]


def split_mark(line: str) -> list[str]:
    return [line[:-1]] if line.endswith("\n") else [line, "\\ No newline at end of file"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\nb\nc\n", "a\nB\nc\n"),
        ("", "one\ntwo\n"),
        ("one\ntwo\n", ""),
        ("a\nb", "a\nb\n"),
        ("a\nb\n", "a\nb"),
        ("a\nb", "A\nb"),
        ("a\nb", "a\nc"),
        ("a\nb\nc\nd\n", "b\nc\nd\ne\n"),
        ("a\r\nb\r\n", "a\r\nc\r\n"),
        ("x\n\n\n", "x\n\n"),
        ("", "no end"),
        ("no end", ""),
    ],
)
def test_hunks_applied_give_the_new_file(old: str, new: str) -> None:
    assert apply_hunks(old.encode(), hunks(old, new)) == new.encode()


def test_text_of_others_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    style.table(["title"], [["evil \x1b[2J title"]])
    assert "\x1b" not in capsys.readouterr().out


def test_columns_line_up(capsys: pytest.CaptureFixture[str]) -> None:
    style.table(["name", "n"], [["a", 1], ["longer", 22]])
    assert capsys.readouterr().out == "NAME    N\na       1\nlonger  22\n"


def test_times_are_relative() -> None:
    now = datetime.now(UTC)
    assert style.ago(now.isoformat()) == "just now"
    assert style.ago((now - timedelta(hours=2, minutes=5)).isoformat()) == "2 hours ago"
    assert style.ago("2020-01-31T10:00:00Z") == "2020-01-31"
    assert style.ago(None) == "-"


def test_sizes() -> None:
    assert [style.size(n) for n in (0, 1023, 1536, 2 << 30)] == ["0 B", "1023 B", "1.5 KiB", "2.0 GiB"]


@pytest.mark.parametrize(
    ("text", "ago"),
    [("3d", {"days": 3}), ("2 weeks ago", {"weeks": 2}), ("1h", {"hours": 1}), ("5min", {"minutes": 5})],
)
def test_moments_in_the_past(text: str, ago: dict) -> None:
    moment = datetime.fromisoformat(parse_moment(text))
    assert abs(datetime.now(UTC) - timedelta(**ago) - moment) < timedelta(seconds=60)


def test_moments_as_dates() -> None:
    assert parse_moment("2026-11-01T10:00+00:00") == "2026-11-01T10:00:00+00:00"
    assert parse_moment(None) is None
    with pytest.raises(GsError):
        parse_moment("soon")


def test_progress_says_files_bytes_rate_and_time_left() -> None:
    with Progress("Downloading", 40, 4096) as progress:
        progress.advance(files=10, bytes=1024)
        assert progress.line(1.0) == "Downloading 10/40 files  1.0 KiB/4.0 KiB  1.0 KiB/s  3 s left"


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("Downloading", 1, 1) as progress:
        progress.advance(files=1, bytes=1)
    assert capsys.readouterr().err == ""
