"""Markdown as safe HTML. Only views that show texts of people import this."""

from __future__ import annotations

from functools import cache
from posixpath import normpath
from urllib.parse import quote, urlsplit

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

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


def markdown_html(
    text: str, *, files: str = "", raw: str = "", folder: str = "", query: str = ""
) -> SafeString:
    """Rendered and cleaned. Links to other files of the tree lead below the address `files`, images below `raw`, both
    seen from `folder`; without these addresses relative links are dropped. Pictures of other hosts are not shown: the
    content security policy of pages forbids them."""
    html = _parser().render(text[:MAX_RENDERED])

    def address(tag: str, attribute: str, value: str) -> str | None:
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
