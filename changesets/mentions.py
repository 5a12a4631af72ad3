"""Who is mentioned in texts: `@name`, of those who may see what the text is about."""

from __future__ import annotations

import re
from collections.abc import Iterable

from accounts.models import User
from slices.holders import readers_named
from slices.models import Slice

MENTION = re.compile(r"(?<![\w@/.`-])@(?P<name>[A-Za-z0-9_][\w.+-]*)")
CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
MAX_MENTIONS = 50


def mentioned_names(texts: Iterable[str]) -> set[str]:
    """Names that the texts mention, outside of code, whoever has them."""
    found: dict[str, None] = {}
    for text in texts:
        for match in MENTION.finditer(CODE.sub(" ", text)):
            found[name_of(match)] = None
    return set(list(found)[:MAX_MENTIONS])


def mentioned_users(slice: Slice, texts: Iterable[str]) -> list[User]:
    """Those of them who may read the slice; nobody else is told, nor marked on pages."""
    return readers_named(slice, mentioned_names(texts))


def name_of(match: re.Match[str]) -> str:
    """The name without the full stop or dash that ends a sentence."""
    return match["name"].rstrip(".-+")
