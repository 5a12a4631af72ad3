"""Searching paths and contents at the heads. What the reader does not see is left out by the database, before any limit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import OperationalError, connection, transaction
from django.db.utils import DataError

from gitslice.common.errors import InvalidRequest
from slices.errors import SearchTooSlow
from slices.finding import like_escaped, path_order
from slices.patterns import Patterns, validated
from slices.search.sight import Sight

MAX_QUERY = 500  # characters
SECONDS = 5
INDEX_SECONDS = 4  # after which a word is taken for so common that the files are read one after the other
SHORTEST = 2  # characters of a text; an expression may have any
FIRST_FILES = 500  # that are read one after the other, before the index is asked
MORE_FILES = 4000  # if the first ones promise that there will be enough in these
MAX_LINES = 8  # of a file that are shown
MAX_MARKS = 5  # of a line
CONTEXT = 2  # lines around
WIDEST = 300  # characters of a line that are shown
CANCELED = "57014"
LINE_WISE = re.compile(
    r"\A(?:\(\?([a-z]+)\)|(?!\*\*\*))"
)  # options that an expression begins with, or where they go

# A common word stands in the first files that one looks at, and reading ends there; for a rare one the index names the
# few that may have it, all of which are read before the first is shown.
FILES = """
SELECT text.path, text.text FROM {source} text
  JOIN slices_pathhead head ON head.organization_id = %s AND head.path = text.path AND head.digest = text.digest
 WHERE text.text {operator} %s
"""
WALK = """(SELECT path, digest, text FROM slices_searchtext
             WHERE organization_id = %s AND {conditions} AND text IS NOT NULL ORDER BY path LIMIT %s)"""
ALL = "(SELECT path, digest, text FROM slices_searchtext WHERE organization_id = %s AND {conditions})"
HITS = """
SELECT found.path, found.text, hits.marks, hits.count FROM ({files} ORDER BY text.path) found
 CROSS JOIN LATERAL (
    SELECT json_agg(json_build_array(line.number, mark.first, mark.last) ORDER BY line.number, mark.first) AS marks,
           count(DISTINCT line.number) AS count
      FROM (SELECT number, line FROM string_to_table(found.text, E'\\n') WITH ORDINALITY AS lines(line, number)
             WHERE line {operator} %s ORDER BY number LIMIT %s) line
     CROSS JOIN LATERAL (
        SELECT regexp_instr(line.line, %s, 1, place::int, 0, %s) AS first, regexp_instr(line.line, %s, 1, place::int, 1, %s) AS last
          FROM generate_series(1, %s) place) mark
     WHERE mark.first > 0) hits
 WHERE hits.count > 0 ORDER BY found.path LIMIT %s
"""
PATHS = """
SELECT path FROM slices_pathhead
 WHERE organization_id = %s AND mode IS NOT NULL AND {conditions} AND path ILIKE %s
 ORDER BY {order} LIMIT %s
"""


@dataclass(frozen=True)
class Wanted:
    """What is searched: a text, or a regular expression of PostgreSQL that is held against single lines; `path` is a
    pattern, in which one without a slash may match in any folder."""

    text: str
    is_expression: bool = False
    matches_case: bool = False
    path: str = ""

    def check(self) -> None:
        """Raises InvalidRequest, InvalidPattern."""
        if "\0" in self.text or "\n" in self.text:
            raise InvalidRequest("a search is one line of text")
        if len(self.text) > MAX_QUERY:
            raise InvalidRequest(f"a search has at most {MAX_QUERY} characters")
        if not self.is_expression and len(self.text.strip()) < SHORTEST:
            raise InvalidRequest(f"a text to search has at least {SHORTEST} characters")
        self.patterns()

    @property
    def expression(self) -> str:
        """What PostgreSQL matches; in a text nothing has a meaning of its own. In an expression lines are apart."""
        if self.is_expression:
            return LINE_WISE.sub(r"(?n\1)", self.text, count=1)
        return re.sub(r"([^\w\s])", r"\\\1", self.text)

    @property
    def file_condition(self) -> tuple[str, str]:
        """The operator of PostgreSQL for whole files, and what it is given: for a text the one that costs least."""
        if self.is_expression:
            return "~" if self.matches_case else "~*", self.expression
        return "LIKE" if self.matches_case else "ILIKE", f"%{like_escaped(self.text)}%"

    def patterns(self) -> Patterns | None:
        if not self.path:
            return None
        anywhere = "/" not in self.path and any(sign in self.path for sign in "*?[")
        return validated([f"**/{self.path}" if anywhere else self.path.rstrip("/")])


class Line(NamedTuple):
    """A line of a file. `marks` are the ranges of its characters that match; `cut` says that it is longer."""

    number: int
    text: str
    marks: tuple[tuple[int, int], ...] = ()
    cut: bool = False


class FoundFile(NamedTuple):
    """`runs` are matching lines with those around them; `more` says that the file has others."""

    path: str
    runs: list[list[Line]]
    more: bool


def search_contents(
    sight: Sight, wanted: Wanted, *, after: str = "", limit: int, context: int = CONTEXT
) -> list[FoundFile]:
    """Up to `limit` files behind the path `after` with lines that match, in the order of paths. Raises InvalidRequest,
    InvalidPattern, SearchTooSlow."""
    wanted.check()
    conditions, values = _conditions(sight, wanted, after)
    hits = _Hits(sight.organization.pk, wanted, conditions, values, limit)
    rows = hits.walked(FIRST_FILES)
    if len(rows) < limit <= len(rows) * MORE_FILES // FIRST_FILES:
        rows = hits.walked(MORE_FILES)
    if len(rows) < limit:
        try:
            rows = hits.by_index()
        except SearchTooSlow:
            rows = hits.walked(None)
    return [_found(path, text, marks, count, context) for path, text, marks, count in rows]


def search_paths(sight: Sight, wanted: Wanted, *, limit: int) -> list[str]:
    """Paths that have the words of the text in this order, the likeliest first. Raises as `search_contents`."""
    Wanted(wanted.text, is_expression=True, path=wanted.path).check()
    conditions, values = _conditions(sight, wanted, "")
    order, within, at_end = path_order(wanted.text)
    if not within:
        return []
    parameters = [sight.organization.pk, *values, within, at_end, limit]
    return [path for (path,) in _answered(PATHS.format(conditions=conditions, order=order), parameters)]


def _conditions(sight: Sight, wanted: Wanted, after: str) -> tuple[str, list[Any]]:
    seen, values = sight.sql("path")
    terms = [seen]
    patterns = wanted.patterns()
    if patterns is not None:
        term, more = patterns.sql("path")
        terms.append(term)
        values = [*values, *more]
    if after:
        terms.append('path > %s COLLATE "C"')
        values = [*values, after]
    return " AND ".join(terms), values


@dataclass(frozen=True)
class _Hits:
    """Asks for the first `limit` files with lines that match: path, text, marks as [line, first, last], and how many lines
    have some."""

    organization_id: int
    wanted: Wanted
    conditions: str
    values: list[Any]
    limit: int

    def walked(self, most: int | None) -> list[Any]:
        """Of the first `most` files, or of all."""
        source = WALK.format(conditions=self.conditions)
        return self._asked(source, [self.organization_id, *self.values, most], SECONDS)

    def by_index(self) -> list[Any]:
        source = ALL.format(conditions=self.conditions)
        return self._asked(source, [self.organization_id, *self.values], INDEX_SECONDS)

    def _asked(self, source: str, values: list[Any], seconds: int) -> list[Any]:
        operator, flags = ("~", "") if self.wanted.matches_case else ("~*", "i")
        expression = self.wanted.expression
        file_operator, operand = self.wanted.file_condition
        files = FILES.format(source=source, operator=file_operator)
        parameters = [*values, self.organization_id, operand, expression, MAX_LINES + 1]
        parameters += [expression, flags, expression, flags, MAX_MARKS, self.limit]
        return _answered(HITS.format(files=files, operator=operator), parameters, seconds)


def _answered(sql: str, parameters: Sequence[Any], seconds: int = SECONDS) -> list[Any]:
    """The rows, within the time: an expression can be made to take for ever."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{seconds}s'")
            cursor.execute(sql, parameters)
            return cursor.fetchall()
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != CANCELED:
            raise
        raise SearchTooSlow(f"the search took more than {seconds} seconds") from None
    except DataError as error:
        raise InvalidRequest(f"the expression is not valid: {str(error).splitlines()[0]}") from None


def _found(path: str, text: str, marks: list[list[int]], count: int, context: int) -> FoundFile:
    by_line: dict[int, list[tuple[int, int]]] = {}
    for number, first, last in marks:
        by_line.setdefault(number, []).append((first - 1, last - 1))
    shown = dict(list(by_line.items())[:MAX_LINES])
    lines = text.split("\n")
    runs: list[list[Line]] = []
    last = 0
    for number in _around(shown, len(lines) - (not lines[-1]), context):
        if not runs or number > last + 1:
            runs.append([])
        runs[-1].append(marked_line(number, lines[number - 1], shown.get(number, [])))
        last = number
    return FoundFile(path, runs, count > MAX_LINES)


def _around(numbers: dict[int, Any], most: int, context: int) -> list[int]:
    """The lines and those around them, from 1 to `most`."""
    near = {at for number in numbers for at in range(number - context, number + context + 1)}
    return sorted(at for at in near if 1 <= at <= most or at in numbers)


def marked_line(number: int, text: str, marks: list[tuple[int, int]]) -> Line:
    """A long line is cut to the surroundings of its first match."""
    if len(text) <= WIDEST:
        return Line(number, text, tuple(marks))
    start = max(marks[0][0] - WIDEST // 3, 0) if marks else 0
    end = start + WIDEST
    inside = [(first - start, min(last, end) - start) for first, last in marks if first < end]
    return Line(number, text[start:end], tuple(inside), cut=True)
