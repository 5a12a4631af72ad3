"""FILEDIFFs of slices/diffs.py as tables of HTML: unified or side by side, coloured, with the changed words marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, NamedTuple
from zlib import crc32

from django.utils.safestring import SafeString, mark_safe

from gitslice_core.words import ADDED, COMMON, GONE, word_diff
from slices.views.highlighting import Range, Segment, marked_html, segment_lines

MAX_FILE_LINES = 1_500  # a longer diff of one file is shown when it is asked for
MAX_LINES = 6_000  # so are the files after this many lines
MAX_WORD_LINE = 1_000  # characters; words of longer lines are not compared
MIN_COMMON = 0.35  # of a line that must have stayed for its words to be compared
GENERATED = re.compile(
    r"(^|/)(package-lock\.json|yarn\.lock|pnpm-lock\.yaml|poetry\.lock|Cargo\.lock|go\.sum|uv\.lock)$|\.min\.(js|css)$|\.map$"
)


@dataclass(frozen=True)
class ShownDiff:
    """One file of a diff, ready for the template. `notes` is why no lines are shown, if so."""

    file: dict[str, Any]
    anchor: str
    rows: SafeString | None
    note: str = ""
    folded: bool = False  # shown closed: generated, or too long until it is asked for
    left_out: bool = False  # the lines must be asked for

    @property
    def content(self) -> str:
        """What stands for the file's two contents."""
        return "-".join(side["digest"][:20] if side else "" for side in (self.file["old"], self.file["new"]))


class _Line(NamedTuple):
    sign: str  # ' ', '-', '+' or '\\'
    old: int | None
    new: int | None
    html: str


@dataclass
class _Run:
    """Removed lines and the added ones that follow them."""

    gone: list[tuple[int, str, list[Segment]]] = field(default_factory=list)
    added: list[tuple[int, str, list[Segment]]] = field(default_factory=list)


def shown_diffs(
    files: Sequence[dict[str, Any]],
    *,
    split: bool = False,
    notes: Mapping[str, Mapping[str, str]] | None = None,
    talk: bool = False,
    only: str = "",
) -> list[ShownDiff]:
    """Each file of a diff, in order. `notes` are HTML to show below a line of a path: `R12` of the new, `L12` of the old side; `talk` gives lines
    a link to comment on them; the file `only` is shown whatever its length."""
    shown = []
    left = MAX_LINES
    for file in files:
        size = sum(len(hunk["lines"]) for hunk in file["hunks"])
        fits = (size <= min(MAX_FILE_LINES, left)) or file["path"] == only
        left -= size if fits else 0
        shown.append(_shown(file, size, fits, split, (notes or {}).get(file["path"], {}), talk))
    return shown


def anchor_of(path: str) -> str:
    """The id of a file's diff on its page."""
    return f"f{crc32(path.encode()):08x}"


def _shown(
    file: dict[str, Any], size: int, fits: bool, split: bool, notes: Mapping[str, str], talk: bool
) -> ShownDiff:
    anchor = anchor_of(file["path"])
    if file["binary"]:
        return ShownDiff(file, anchor, None, "Binary file: its lines cannot be compared.")
    if file["too_large"]:
        return ShownDiff(file, anchor, None, "The file is too large to compare here.")
    if not size:
        return ShownDiff(file, anchor, None, _unchanged_note(file))
    if not fits:
        return ShownDiff(file, anchor, None, f"{size:,} lines.", left_out=True)
    render = _split_rows if split else _unified_rows
    html = "".join(render(file, anchor, notes, talk))
    return ShownDiff(file, anchor, mark_safe(html), folded=bool(GENERATED.search(file["path"])))


def _unchanged_note(file: dict[str, Any]) -> str:
    old, new = file["old"], file["new"]
    if old and new and old["mode"] != new["mode"]:
        return f"The mode changed from {old['mode']} to {new['mode']}."
    return "Renamed, with the same content." if file["op"] == "rename" else "The file is empty."


def _unified_rows(file: dict[str, Any], anchor: str, notes: Mapping[str, str], talk: bool) -> Iterator[str]:
    for hunk in file["hunks"]:
        yield f'<tr class="hunk"><td colspan="3">{_range(hunk)}</td></tr>'
        for line in _lines(file, hunk):
            if line.sign == "\\":
                yield f'<tr class="no-newline"><td class="n"></td><td class="n"></td><td>{line.html}</td></tr>'
                continue
            name = _class(line.sign)
            yield (
                f"<tr>{_number(line.old, 'L', name, anchor)}{_number(line.new, 'R', name, anchor)}"
                f"{_text(line, name, talk)}</tr>"
            )
            yield from _notes(notes, line.old, line.new, 3)


def _split_rows(file: dict[str, Any], anchor: str, notes: Mapping[str, str], talk: bool) -> Iterator[str]:
    for hunk in file["hunks"]:
        yield f'<tr class="hunk"><td colspan="4">{_range(hunk)}</td></tr>'
        for old, new in _paired(_lines(file, hunk)):
            yield (
                f"<tr>{_half(old, old and old.old, 'L', anchor, talk and new is not old)}"
                f"{_half(new, new and new.new, 'R', anchor, talk)}</tr>"
            )
            yield from _notes(notes, old.old if old else None, new.new if new else None, 4)


def _paired(lines: Iterator[_Line]) -> Iterator[tuple[_Line | None, _Line | None]]:
    """Lines of both sides next to each other; a note on a missing line feed is left out."""
    gone: list[_Line] = []
    added: list[_Line] = []
    for line in lines:
        if line.sign == "-":
            gone.append(line)
        elif line.sign == "+":
            added.append(line)
        elif line.sign == " ":
            yield from _side_by_side(gone, added)
            gone, added = [], []
            yield line, line
    yield from _side_by_side(gone, added)


def _side_by_side(gone: list[_Line], added: list[_Line]) -> Iterator[tuple[_Line | None, _Line | None]]:
    for at in range(max(len(gone), len(added))):
        yield (gone[at] if at < len(gone) else None, added[at] if at < len(added) else None)


def _lines(file: dict[str, Any], hunk: dict[str, Any]) -> Iterator[_Line]:
    """The lines of a hunk with their numbers and HTML."""
    texts: list[str] = hunk["lines"]
    before = iter(_coloured(file["renamed_from"] or file["path"], texts, " -"))
    after = iter(_coloured(file["path"], texts, " +"))
    old, new = hunk["old_start"], hunk["new_start"]
    run = _Run()
    for text in texts:
        sign, content = text[:1], text[1:]
        if sign == "-" and not run.added:
            run.gone.append((old, content, next(before)))
            old += 1
        elif sign == "+":
            run.added.append((new, content, next(after)))
            new += 1
        else:
            yield from _run_lines(run)
            run = _Run()
            if sign == "-":
                run.gone.append((old, content, next(before)))
                old += 1
            elif sign == "\\":
                yield _Line("\\", None, None, "No newline at the end of the file")
            else:
                next(before)
                yield _Line(" ", old, new, marked_html(next(after), ()))
                old, new = old + 1, new + 1
    yield from _run_lines(run)


def _coloured(path: str, texts: Sequence[str], signs: str) -> list[list[Segment]]:
    """The lines of one side, coloured as one text, which is nearly always what they are in the whole file."""
    lines = [text[1:] for text in texts if text[:1] in signs]
    return segment_lines(path, "\n".join(lines) + "\n") if lines else []


def _run_lines(run: _Run) -> Iterator[_Line]:
    pairs = [_word_marks(old[1], new[1]) for old, new in zip(run.gone, run.added, strict=False)]
    nothing: tuple[list[Range], list[Range]] = ([], [])
    for at, (number, _, segments) in enumerate(run.gone):
        marks = (pairs[at] if at < len(pairs) else nothing)[0]
        yield _Line("-", number, None, marked_html(segments, marks))
    for at, (number, _, segments) in enumerate(run.added):
        marks = (pairs[at] if at < len(pairs) else nothing)[1]
        yield _Line("+", None, number, marked_html(segments, marks))


def _word_marks(old: str, new: str) -> tuple[list[Range], list[Range]]:
    """The characters of both lines that differ; none where the lines have little in common."""
    if max(len(old), len(new)) > MAX_WORD_LINE:
        return [], []
    spans = word_diff(old, new)
    common = sum(len(span.text.strip()) for span in spans if span.op == COMMON)
    if common < MIN_COMMON * max(len(old.strip()), len(new.strip()), 1):
        return [], []
    marks: dict[str, list[Range]] = {GONE: [], ADDED: []}
    at = {GONE: 0, ADDED: 0}
    for span in spans:
        if span.op != COMMON:
            marks[span.op].append((at[span.op], at[span.op] + len(span.text)))
        for side in (GONE, ADDED) if span.op == COMMON else (span.op,):
            at[side] += len(span.text)
    return marks[GONE], marks[ADDED]


def _class(sign: str) -> str:
    return {"+": " add", "-": " del"}.get(sign, "")


def _number(number: int | None, side: str, name: str, anchor: str) -> str:
    if number is None:
        return f'<td class="n{name}"></td>'
    return f'<td class="n{name}" id="{anchor}{side}{number}">{number}</td>'


def _text(line: _Line, name: str, talk: bool) -> str:
    say = ""
    number, side = (line.new, "new") if line.new is not None else (line.old, "old")
    if talk and number is not None:
        label = f"Comment on line {number}" if side == "new" else f"Comment on removed line {number}"
        say = f'<a class="say" data-line="{number}" data-side="{side}" href="?line={number}" aria-label="{label}">+</a>'
    sign = escape(line.sign.strip())
    return f'<td class="t{name}" data-sign="{sign}"><code>{line.html}</code>{say}</td>'


def _half(line: _Line | None, number: int | None, side: str, anchor: str, talk: bool) -> str:
    if line is None:
        return '<td class="n void"></td><td class="t void"></td>'
    name = _class(line.sign)
    return _number(number, side, name, anchor) + _text(line, name, talk)


def _notes(notes: Mapping[str, str], old: int | None, new: int | None, width: int) -> Iterator[str]:
    for key in (f"L{old}", f"R{new}"):
        if key in notes:
            yield f'<tr class="notes"><td colspan="{width}">{notes[key]}</td></tr>'


def _range(hunk: dict[str, Any]) -> str:
    def span(start: int, count: int) -> str:
        return f"{start},{count}"

    old, new = span(hunk["old_start"], hunk["old_count"]), span(hunk["new_start"], hunk["new_count"])
    return f"@@ -{old} +{new} @@"
