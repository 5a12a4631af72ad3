"""Source text as coloured HTML. Only views that show files import this: the highlighter is heavy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from html import escape
from typing import Any

from django.core.cache import cache as shared_cache
from django.utils.safestring import SafeString, mark_safe
from pygments.lexer import Lexer
from pygments.lexers import find_lexer_class_for_filename
from pygments.lexers.special import TextLexer
from pygments.token import Token
from pygments.util import ClassNotFound

from gitslice.telemetry.metrics import CACHE

MAX_HIGHLIGHTED = 512 << 10  # characters; longer texts are shown without colours
MAX_CACHED = 2 << 20
KEPT_SECONDS = 7 * 24 * 3600
VERSION = 2  # of what is cached

CLASSES = {
    Token.Comment: "c",
    Token.Keyword: "k",
    Token.Keyword.Constant: "m",
    Token.Name.Function: "nf",
    Token.Name.Class: "nc",
    Token.Name.Namespace: "nc",
    Token.Name.Exception: "nc",
    Token.Name.Builtin: "nb",
    Token.Name.Decorator: "nd",
    Token.Name.Tag: "nt",
    Token.Name.Attribute: "na",
    Token.Literal.String: "s",
    Token.Literal.Number: "m",
    Token.Operator: "o",
    Token.Operator.Word: "k",
    Token.Generic.Heading: "gh",
    Token.Generic.Subheading: "gh",
    Token.Generic.Emph: "ge",
    Token.Generic.Strong: "gs",
}

Segment = tuple[str, str]  # class ('' for none) and text
Range = tuple[int, int]  # characters of a line, from and up to


def code_html(path: str, digest: bytes, text: str) -> SafeString:
    """The file's lines with numbers to link to (`#L10`)."""
    lines = enumerate(line_htmls(path, digest, text), 1)
    return mark_safe("".join(numbered_html(number, line) for number, line in lines))


def line_htmls(path: str, digest: bytes, text: str) -> list[str]:
    """The file's lines, coloured. Remembered by content."""
    lexer = _lexer_class(path)
    key = f"code:{VERSION}:{lexer.__name__}:{digest.hex()}"
    html = shared_cache.get(key)
    CACHE.labels("colours", "miss" if html is None else "hit").inc()
    if html is None:
        html = "\n".join(map(segments_html, segment_lines(path, text)))
        if len(html) <= MAX_CACHED:
            shared_cache.set(key, html, KEPT_SECONDS)
    return html.split("\n")


def numbered_html(number: int, line: str) -> str:
    return (
        f'<span class="line" id="L{number}"><a class="line-number" href="#L{number}">{number}</a>'
        f"<code>{line}</code></span>"
    )


def language(path: str) -> str:
    """What the file is written in, as far as its name tells."""
    return "Text" if _lexer_class(path) is TextLexer else str(_lexer_class(path).name)


def segment_lines(path: str, text: str) -> list[list[Segment]]:
    """The lines of `text` in coloured segments: one for each line feed, and one for what follows the last."""
    text = text.replace("\r\n", "\n").replace("\r", " ")
    if len(text) > MAX_HIGHLIGHTED or _lexer_class(path) is TextLexer:
        return [[("", line)] for line in text.removesuffix("\n").split("\n")]
    lines: list[list[Segment]] = [[]]
    for kind, value in _lexer(path).get_tokens(text):
        name = _class_of(kind)
        first, *others = value.split("\n")
        if first:
            lines[-1].append((name, first))
        for other in others:
            lines.append([(name, other)] if other else [])
    wanted = text.removesuffix("\n").count("\n") + 1
    return (lines + [[]] * wanted)[:wanted]


def segments_html(segments: Iterable[Segment]) -> str:
    return "".join(
        f'<span class="{name}">{escape(text, quote=False)}</span>' if name else escape(text, quote=False)
        for name, text in segments
    )


def marked_html(segments: Sequence[Segment], marks: Sequence[Range]) -> str:
    """As `segments_html`, with the ranges of characters marked."""
    if not marks:
        return segments_html(segments)
    parts: list[str] = []
    at = 0
    for start, end in marks:
        parts.append(segments_html(_cut(segments, at, start)))
        parts.append(f"<mark>{segments_html(_cut(segments, start, end))}</mark>")
        at = end
    parts.append(segments_html(_cut(segments, at, 1 << 30)))
    return "".join(parts)


def _cut(segments: Sequence[Segment], start: int, end: int) -> Iterator[Segment]:
    at = 0
    for name, text in segments:
        part = text[max(start - at, 0) : max(end - at, 0)]
        if part:
            yield name, part
        at += len(text)


def _lexer_class(path: str) -> Any:
    return _lexer_class_of(path.rpartition("/")[2])


@lru_cache(4096)
def _lexer_class_of(name: str) -> Any:
    try:
        return find_lexer_class_for_filename(name) or TextLexer
    except ClassNotFound:
        return TextLexer


def _lexer(path: str) -> Lexer:
    return _lexer_class(path)(stripnl=False, ensurenl=False)


@cache
def _class_of(kind: Any) -> str:
    """The class of a token, or of the nearest kind above it that has one."""
    while kind is not None:
        if kind in CLASSES:
            return CLASSES[kind]
        kind = kind.parent
    return ""
