"""Patterns as given on the command line; what they mean is the server's business."""

from __future__ import annotations

PATTERN_HELP = (
    "dir/** for all below, * and ? within a name, or a literal path. Repeatable, also comma separated."
)


def split(values: tuple[str, ...]) -> list[str]:
    """`("a/**,b", "c")` as `["a/**", "b", "c"]`, each once."""
    parts = (part.strip() for value in values for part in value.split(","))
    return list(dict.fromkeys(part for part in parts if part))
