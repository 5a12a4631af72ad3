"""What is searched, and how it is written: parameters, or words such as `path:docs/**` in the text itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gitslice.common.errors import InvalidRequest
from slices.errors import InvalidPattern
from slices.finding import like_escaped
from slices.patterns import Patterns, validated
from slices.search.grams import grams_of_expression, grams_of_text

MAX_QUERY = 500  # characters
SHORTEST = 2  # characters of a text; an expression may have any
LINE_WISE = re.compile(
    r"\A(?:\(\?([a-z]+)\)|(?!\*\*\*))"
)  # options that an expression begins with, or where they go
FILTER = re.compile(r"(?:^|(?<=\s))(path|slice|lang|ext|case):(\S+)")


@dataclass(frozen=True)
class Wanted:
    """What is searched: a text, or a regular expression of PostgreSQL that is held against single lines; `path` is a
    pattern, in which one without a slash may match in any folder; `language` is a name that Pygments knows, or the
    ending of a file's name."""

    text: str
    is_expression: bool = False
    matches_case: bool = False
    path: str = ""
    language: str = ""

    def check(self) -> None:
        """Raises InvalidRequest, InvalidPattern."""
        if "\0" in self.text or "\n" in self.text:
            raise InvalidRequest("a search is one line of text")
        if len(self.text) > MAX_QUERY:
            raise InvalidRequest(f"a search has at most {MAX_QUERY} characters")
        if not self.is_expression and len(self.text.strip()) < SHORTEST:
            raise InvalidRequest(f"a text to search has at least {SHORTEST} characters")
        self.patterns()
        self.endings()

    @property
    def expression(self) -> str:
        """What PostgreSQL matches; in a text nothing has a meaning of its own. In an expression lines are apart."""
        if self.is_expression:
            return LINE_WISE.sub(r"(?n\1)", self.text, count=1)
        return re.sub(r"([^\w\s])", r"\\\1", self.text)

    @property
    def is_plain(self) -> bool:
        """A text of ASCII, for which capitals and small letters are told apart fastest."""
        return not self.is_expression and self.text.isascii()

    @property
    def file_condition(self) -> tuple[str, str]:
        """A condition on the text of whole files, and what is bound in it: for a text the one that costs least."""
        if self.is_expression:
            return f"text.text {'~' if self.matches_case else '~*'} %s", self.expression
        if self.matches_case:
            return 'text.text COLLATE "C" LIKE %s', f"%{like_escaped(self.text)}%"
        if self.is_plain:
            return 'lower(text.text COLLATE "C") LIKE %s', f"%{like_escaped(self.text.lower())}%"
        return "text.text ILIKE %s", f"%{like_escaped(self.text)}%"

    @property
    def grams(self) -> list[str]:
        """Trigrams that every file which matches has; none where that cannot be said."""
        return grams_of_expression(self.text) if self.is_expression else grams_of_text(self.text)

    def patterns(self) -> Patterns | None:
        if not self.path:
            return None
        anywhere = "/" not in self.path and any(sign in self.path for sign in "*?[")
        return validated([f"**/{self.path}" if anywhere else self.path.rstrip("/")])

    def endings(self) -> list[str]:
        """Patterns of LIKE for the paths of files in the language, or with that ending; none if there is no such filter.
        Raises InvalidPattern."""
        if not self.language:
            return []
        plain = [name for name in _files_of(self.language) if not set("*?[") & set(name[1:])]
        likes = [f"%{like_escaped(name[1:])}" for name in plain if name.startswith("*")]
        names = [like_escaped(name) for name in plain if not name.startswith("*")]
        return likes + names + [f"%/{name}" for name in names]


def read_filters(wanted: Wanted, slice: str) -> tuple[Wanted, str]:
    """What is asked for, with the filters that stand in the text itself, and the slice: `path:`, `slice:`, `lang:`, `ext:`,
    `case:yes`. Text in quotes has no filters."""
    text = wanted.text.strip()
    if len(text) > 2 and text[0] == text[-1] == '"':
        return replace(wanted, text=text[1:-1]), slice
    given = dict(FILTER.findall(text))
    if not given or wanted.is_expression:
        return wanted, slice
    return replace(
        wanted,
        text=" ".join(FILTER.sub("", text).split()),
        path=given.get("path", wanted.path),
        language=given.get("lang") or given.get("ext") or wanted.language,
        matches_case=wanted.matches_case or given.get("case", "") in ("yes", "1", "true"),
    ), given.get("slice", slice).rpartition("/")[2]


def _files_of(language: str) -> list[str]:
    """The names of files in a language, or with this ending, such as *.py."""
    from pygments.lexers import find_lexer_class_by_name  # heavy, and only needed here
    from pygments.util import ClassNotFound

    try:
        names = list(find_lexer_class_by_name(language.lower()).filenames)
    except ClassNotFound:
        names = []
    if not names and not re.fullmatch(r"\.?[\w+-]{1,30}", language):
        raise InvalidPattern(language[:100], "is no language, nor the ending of a file's name")
    return names or [f"*.{language.removeprefix('.')}"]
