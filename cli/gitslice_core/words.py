"""Word diffs: which words of a changed line, or of a few, are other words now. For display."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from gitslice_core.diff import Change, diff_interned, interned

COMMON, GONE, ADDED = " ", "-", "+"


class Span(NamedTuple):
    """A stretch of text and whether it is in both texts, in the old one alone or in the new one alone."""

    op: str  # COMMON, GONE or ADDED
    text: str


def word_diff(old: str, new: str) -> tuple[Span, ...]:
    """Both texts in one sequence: without ADDED spans it is the old text, without GONE spans the new one. Words
    between which only white space is common change together."""
    old_words, new_words = words(old), words(new)
    old_numbers, new_numbers = interned(old_words, new_words)
    spans = []
    at = 0
    for change in _joined(diff_interned(old_numbers, new_numbers), old_words):
        spans.append(Span(COMMON, "".join(old_words[at : change.old_start])))
        spans.append(Span(GONE, "".join(old_words[change.old_start : change.old_end])))
        spans.append(Span(ADDED, "".join(new_words[change.new_start : change.new_end])))
        at = change.old_end
    spans.append(Span(COMMON, "".join(old_words[at:])))
    return tuple(span for span in spans if span.text)


def words(text: str) -> list[str]:
    """Runs of letters, digits and underscores; runs of white space within a line; every other character alone."""
    found = []
    for kind, run in groupby(text, key=_kind):
        if kind:
            found.append("".join(run))
        else:
            found.extend(run)
    return found


def _kind(character: str) -> str:
    if character.isalnum() or character == "_":
        return "word"
    return "space" if character.isspace() and character != "\n" else ""


def _joined(changes: list[Change], old_words: list[str]) -> Iterator[Change]:
    last: Change | None = None
    for change in changes:
        if last is None:
            last = change
        elif all(word.isspace() and word != "\n" for word in old_words[last.old_end : change.old_start]):
            last = Change(last.old_start, change.old_end, last.new_start, change.new_end)
        else:
            yield last
            last = change
    if last is not None:
        yield last
