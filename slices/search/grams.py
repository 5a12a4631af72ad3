"""Which trigrams a file must have to hold what is searched; an index over them names the files that do.

pg_trgm cuts a text into words of letters and digits, in small letters, with two blanks before each and one behind it.
An index over the array of them answers exactly, so no text is read before one knows which files are worth it. Names of
programs have underscores, which would cut them into common words: for the index they are letters, of a rare kind.
"""

from __future__ import annotations

import re

WORD = re.compile("[A-Za-z0-9]+")
UNDERSCORE = str.maketrans("_", "q")
INDEXED = "show_trgm(translate(text, '_', 'q'))"  # as in the model
MOST = 24  # trigrams that are asked for: more narrow it down no further
SHORTEST = 3  # letters of a literal in an expression that are worth a question
HARMLESS_ESCAPES = "wWsSdDmMyYA"  # stand for characters, or places, that say nothing of those beside them


def grams_of_text(text: str) -> list[str]:
    """Those that every text with this one in it has; none if it is too short to say."""
    text = text.translate(UNDERSCORE)
    found: dict[str, None] = {}
    for match in WORD.finditer(text):
        left = "  " if _parts(text[: match.start()][-1:]) else ""
        right = " " if _parts(text[match.end() :][:1]) else ""
        padded = f"{left}{match.group().lower()}{right}"
        found |= dict.fromkeys(padded[at : at + 3] for at in range(len(padded) - 2))
    telling = sorted(found, key=lambda gram: " " in gram)
    return telling[:MOST]


def grams_of_expression(expression: str) -> list[str]:
    """Those of the letters that must stand in what the expression matches, as far as that is plain to see."""
    if "|" in expression or expression.startswith(("(?", "***")):
        return []
    found: dict[str, None] = {}
    for literal in _literals(expression):
        found |= dict.fromkeys(literal[at : at + 3] for at in range(len(literal) - 2))
    return list(found)[:MOST]


def _parts(character: str) -> bool:
    """Does it end a word for pg_trgm, for sure?"""
    return bool(character) and character.isascii() and not character.isalnum()


def _literals(expression: str) -> list[str]:
    """Runs of ASCII letters and digits outside of groups, classes, repetitions and escapes."""
    expression = expression.translate(UNDERSCORE)
    runs, run, depth, at = [], "", 0, 0
    while at < len(expression):
        sign, at = expression[at], at + 1
        if sign == "\\":
            if expression[at : at + 1] not in HARMLESS_ESCAPES and expression[at : at + 1].isalnum():
                return []  # an escape with more to it than this reads
            at += 1
        elif sign == "[":
            at = _behind_class(expression, at)
        elif sign in "({":
            depth += 1
        elif sign in ")}":
            depth -= 1
        elif sign in "*?" or (sign == "{" and depth == 0):
            run = run[:-1]
        if sign.isascii() and sign.isalnum() and depth == 0:
            run += sign.lower()
            if expression[at : at + 1] not in ("*", "?", "{"):
                continue
            run = run[:-1]
        runs.append(run)
        run = ""
    return [run for run in [*runs, run] if len(run) >= SHORTEST]


def _behind_class(expression: str, at: int) -> int:
    """The place behind a bracket expression; its first character may be a closing bracket."""
    closing = re.compile(r"\^?\]?(?:\[[:.=].*?[:.=]\]|\\.|[^\]])*\]", re.DOTALL).match(expression, at)
    return closing.end() if closing else len(expression)
