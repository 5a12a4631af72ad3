"""Markdown as safe HTML. Only views that show texts of people import this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from posixpath import normpath
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

MAX_RENDERED = 512 << 10
LEVELS = {f"h{level}" for level in range(1, 7)}
TAGS = LEVELS | {
    "p",
    "a",
    "em",
    "strong",
    "s",
    "del",
    "sup",
    "sub",
    "code",
    "pre",
    "blockquote",
    "hr",
    "br",
    "img",
}
TAGS |= {"ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}}


class Piece(NamedTuple):
    """A part of a text: with an address of ours it becomes a link; `strong` sets it off."""

    text: str
    address: str = ""
    strong: bool = False


Split = Callable[[str, bool], Iterable[Piece]]  # a text (True: of code within a line) in pieces


def markdown_html(
    text: str,
    *,
    files: str = "",
    raw: str = "",
    folder: str = "",
    query: str = "",
    split: Split | None = None,
) -> SafeString:
    """Rendered and cleaned. `split` may link or set off parts of what is written outside of links. Links to other files of the tree lead below the address `files`, images below `raw`, both
    seen from `folder`; without these addresses relative links are dropped. Pictures of other hosts are not shown: the
    content security policy of pages forbids them."""
    tokens = _parser().parse(text[:MAX_RENDERED])
    own = _split_tokens(tokens, split) if split else set()
    html = _parser().renderer.render(tokens, _parser().options, {})

    def address(tag: str, attribute: str, value: str) -> str | None:
        if value in own and tag == "a":
            return value
        base = raw if tag == "img" else files
        return _address(value, base, folder, query) if attribute in ("href", "src") else value

    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=address,
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(clean)


def _split_tokens(tokens: list[Token], split: Split) -> set[str]:
    """Put the pieces in place of the texts; gives the addresses that they lead to."""
    own: set[str] = set()
    for token in tokens:
        if token.type == "inline" and token.children:
            token.children = list(_with_pieces(token.children, split, own))
    return own


def _with_pieces(tokens: list[Token], split: Split, own: set[str]) -> Iterator[Token]:
    depth = 0
    for token in tokens:
        depth += token.nesting if token.tag == "a" else 0
        if depth or token.type not in ("text", "code_inline"):
            yield token
            continue
        for piece in split(token.content, token.type == "code_inline"):
            inner = token.copy()
            inner.content = piece.text
            if piece.address:
                own.add(piece.address)
                yield Token("link_open", "a", 1, attrs={"href": piece.address})
                yield inner
                yield Token("link_close", "a", -1)
            elif piece.strong:
                yield from (Token("strong_open", "strong", 1), inner, Token("strong_close", "strong", -1))
            else:
                yield inner


def _address(value: str, base: str, folder: str, query: str) -> str | None:
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    if parts.scheme or parts.netloc:
        return value if parts.scheme in ("http", "https", "mailto") else None
    if not parts.path:
        return value
    if not base:
        return None
    path = normpath(f"/{folder}/{parts.path}" if not parts.path.startswith("/") else parts.path).lstrip("/")
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return f"{base}{quote(path, safe='/%')}{query}{fragment}"


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
