"""The lines of a FILEDIFF (slices/diffs.py) as rows of HTML: unified or side by side, coloured, with the changed words
marked, and with links to the lines between the hunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, NamedTuple
from urllib.parse import urlencode

from gitslice_core.words import ADDED, COMMON, GONE, word_diff
from slices.views.highlighting import Range, Segment, marked_html, segment_lines

MAX_WORD_LINE = 1_000  # characters; words of longer lines are not compared
MAX_WORD_WORK = 10_000_000  # characters of old lines times those of new ones, of a page: about a second
MIN_COMMON = 0.35  # of a line that must have stayed for its words to be compared
STEP = 20  # lines that one link shows
MAX_GAP = 2_000  # lines that one link shows at most


@dataclass
class WordWork:
    """How much may still be spent on comparing the words of lines."""

    left: int = MAX_WORD_WORK

    def spend(self, amount: int) -> bool:
        """Is there that much left?"""
        self.left -= amount
        return self.left >= 0


@dataclass(frozen=True)
class Look:
    """How a file's rows look. `notes` are HTML to show below a line, `R12` of the new or `L12` of the old side; `talk` gives lines a link to comment on them;
    `address` with a query is the page, for the links that show more of the file; without one there are none."""

    path: str
    anchor: str
    address: str
    split: bool = False
    talk: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)
    words: WordWork = field(default_factory=WordWork)

    @property
    def width(self) -> int:
        return 4 if self.split else 3

    @property
    def say(self) -> str:
        """The page to comment on a line, seen from the page of the diff; empty where nobody may."""
        return f"comment/?{urlencode({'path': self.path})}" if self.talk else ""


class Gap(NamedTuple):
    """Unchanged lines that are not shown: `first` to `last` of the new text, which stand `shift` further down in the
    old one. `above` and `below`: is there something shown on that side?"""

    first: int
    last: int
    shift: int
    above: bool
    below: bool

    @property
    def size(self) -> int:
        return self.last - self.first + 1


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


def diff_rows(file: dict[str, Any], length: int, look: Look) -> Iterator[str]:
    """The rows of the hunks and of the gaps between them; the new text has `length` lines."""
    render = _split_rows if look.split else _unified_rows
    shown = 0  # lines of the new text
    shift = 0
    for hunk in file["hunks"]:
        first = hunk["new_start"] + (hunk["new_count"] == 0)
        shift = hunk["old_start"] + (hunk["old_count"] == 0) - first
        yield from gap_row(Gap(shown + 1, first - 1, shift, shown > 0, True), look)
        yield from render(_lines(file, hunk, look.words), look)
        shown = first + hunk["new_count"] - 1
        shift += hunk["old_count"] - hunk["new_count"]
    yield from gap_row(Gap(shown + 1, length, shift, True, False), look)


def plain_rows(lines: Sequence[str], first: int, shift: int, look: Look) -> Iterator[str]:
    """Rows of unchanged lines, given as HTML; the first has the number `first`."""
    render = _split_rows if look.split else _unified_rows
    return render(
        (_Line(" ", number + shift, number, html) for number, html in enumerate(lines, first)), look
    )


def gap_row(gap: Gap, look: Look) -> Iterator[str]:
    """The row that stands for hidden lines, with links to show some or all of them; none where nothing is hidden."""
    if gap.size < 1:
        return
    links = []
    if look.address and gap.size > STEP:
        if gap.above:
            links.append(_more(gap, "down", "\u2193", f"Show {STEP} more lines below", look))
        if gap.below:
            links.append(_more(gap, "up", "\u2191", f"Show {STEP} more lines above", look))
    if look.address and gap.size <= MAX_GAP:
        links.append(_more(gap, "all", "\u2195", f"Show all {gap.size} lines", look))
    said = f"{gap.size:,} unchanged line{'' if gap.size == 1 else 's'}"
    yield (
        f'<tr class="hunk" data-first="{gap.first}" data-last="{gap.last}" data-shift="{gap.shift}"'
        f' hx-target="this" hx-swap="outerHTML"><td colspan="{look.width}">'
        f"{''.join(links)}<span>{said}</span></td></tr>"
    )


def _more(gap: Gap, take: str, sign: str, label: str, look: Look) -> str:
    """A link to lines of the gap; without JavaScript it leads to the page with more of the file."""
    query = urlencode({"part": "lines", "path": look.path, "take": take} | gap._asdict())
    whole = urlencode({"whole": look.path})
    return (
        f'<a class="more" href="{escape(look.address)}&amp;{whole}#{look.anchor}"'
        f' hx-get="{escape(look.address)}&amp;{escape(query)}" aria-label="{label}" title="{label}">{sign}</a>'
    )


def _unified_rows(lines: Iterator[_Line], look: Look) -> Iterator[str]:
    for line in lines:
        if line.sign == "\\":
            yield f'<tr class="no-newline"><td class="n"></td><td class="n"></td><td>{line.html}</td></tr>'
            continue
        name = _class(line.sign)
        yield (
            f"<tr{_changed(line.sign)}>{_number(line.old, 'L', name, look)}{_number(line.new, 'R', name, look)}"
            f"{_text(line, name, look.say)}</tr>"
        )
        yield from _notes(line.old, line.new, look)


def _split_rows(lines: Iterator[_Line], look: Look) -> Iterator[str]:
    for old, new in _paired(lines):
        name = "same" if old is new else "changed"
        yield (
            f'<tr class="{name}">{_half(old, old and old.old, "L", look, "" if new is old else look.say)}'
            f"{_half(new, new and new.new, 'R', look, look.say)}</tr>"
        )
        yield from _notes(old.old if old else None, new.new if new else None, look)


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


def _lines(file: dict[str, Any], hunk: dict[str, Any], words: WordWork) -> Iterator[_Line]:
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
            yield from _run_lines(run, words)
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
    yield from _run_lines(run, words)


def _coloured(path: str, texts: Sequence[str], signs: str) -> list[list[Segment]]:
    """The lines of one side, coloured as one text, which is nearly always what they are in the whole file."""
    lines = [text[1:] for text in texts if text[:1] in signs]
    return segment_lines(path, "\n".join(lines) + "\n") if lines else []


def _run_lines(run: _Run, words: WordWork) -> Iterator[_Line]:
    pairs = [_word_marks(old[1], new[1], words) for old, new in zip(run.gone, run.added, strict=False)]
    nothing: tuple[list[Range], list[Range]] = ([], [])
    for at, (number, _, segments) in enumerate(run.gone):
        marks = (pairs[at] if at < len(pairs) else nothing)[0]
        yield _Line("-", number, None, marked_html(segments, marks))
    for at, (number, _, segments) in enumerate(run.added):
        marks = (pairs[at] if at < len(pairs) else nothing)[1]
        yield _Line("+", None, number, marked_html(segments, marks))


def _word_marks(old: str, new: str, words: WordWork) -> tuple[list[Range], list[Range]]:
    """The characters of both lines that differ; none where the lines have little in common, or enough was compared already."""
    if max(len(old), len(new)) > MAX_WORD_LINE or not words.spend(len(old) * len(new)):
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


def _changed(sign: str) -> str:
    return "" if sign == " " else ' class="changed"'


def _number(number: int | None, side: str, name: str, look: Look) -> str:
    if number is None:
        return f'<td class="n{name}"></td>'
    place = f"{look.anchor}{side}{number}"
    return f'<td class="n{name}" id="{place}"><a href="#{place}" tabindex="-1">{number}</a></td>'


def _text(line: _Line, name: str, address: str) -> str:
    say = ""
    number, side = (line.new, "new") if line.new is not None else (line.old, "old")
    if address and number is not None:
        label = f"Comment on line {number}" if side == "new" else f"Comment on removed line {number}"
        place = f'data-line="{number}" data-side="{side}" href="{address}&amp;line={number}&amp;side={side}"'
        say = f'<a class="say" {place} aria-label="{label}">+</a>'
    sign = escape(line.sign.strip())
    return f'<td class="t{name}" data-sign="{sign}"><code>{line.html}</code>{say}</td>'


def _half(line: _Line | None, number: int | None, side: str, look: Look, say: str) -> str:
    if line is None:
        return '<td class="n void"></td><td class="t void"></td>'
    name = _class(line.sign)
    return _number(number, side, name, look) + _text(line, name, say)


def _notes(old: int | None, new: int | None, look: Look) -> Iterator[str]:
    for key in (f"L{old}", f"R{new}"):
        if key in look.notes:
            yield f'<tr class="notes"><td colspan="{look.width}">{look.notes[key]}</td></tr>'
