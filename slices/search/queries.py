"""Searching paths and contents at the heads. What the reader does not see is left out by the database, before any limit.

A common word stands in the first files that one looks at. For others the index over trigrams names the files that may
have it, without a text being read; these are looked at in the order of their paths, a growing batch at a time, until
there are enough or the time is up. What has no trigrams to ask for is looked for in file after file, as long as there is time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from django.db import OperationalError, connection, transaction
from django.db.utils import DataError

from gitslice.common.errors import InvalidRequest
from slices.errors import SearchTooSlow
from slices.finding import path_order
from slices.search.grams import INDEXED
from slices.search.sight import Sight
from slices.search.wanted import Wanted

SECONDS = 1.0  # after which no further batch is looked at
LONGEST = 4  # seconds that one question may take: an expression can be made to take for ever
FIRST_FILES = 60  # that are looked at before the index is asked
SMALLEST, LARGEST = 20, 2_000  # files of a batch
GROWTH = 3
MAX_LINES = 8  # of a file that are shown
MAX_MARKS = 5  # of a line
CONTEXT = 2  # lines around
WIDEST = 300  # characters of a line that are shown
CANCELED = "57014"

CANDIDATES = """
SELECT path FROM slices_searchtext
 WHERE organization_id = %s::bigint AND text IS NOT NULL AND {conditions} AND path > %s COLLATE "C" ORDER BY path LIMIT %s
"""
FILES = """
SELECT text.path, text.text FROM slices_searchtext text
  JOIN slices_pathhead head ON head.organization_id = %s AND head.path = text.path AND head.digest = text.digest
 WHERE text.organization_id = %s AND text.path = ANY(%s) AND {matches}
"""
HITS = """
SELECT found.path, found.text, hits.marks, hits.count FROM ({files} ORDER BY text.path) found
 CROSS JOIN LATERAL (
    SELECT json_agg(json_build_array(line.number, mark.first, mark.last) ORDER BY line.number, mark.first) AS marks,
           count(DISTINCT line.number) AS count
      FROM (SELECT number, line FROM string_to_table(found.text, E'\\n') WITH ORDINALITY AS lines(line, number)
             WHERE line {collated} {operator} %s ORDER BY number LIMIT %s) line
     CROSS JOIN LATERAL (
        SELECT regexp_instr(line.line {collated}, %s, 1, place::int, 0, %s) AS first, regexp_instr(line.line {collated}, %s, 1, place::int, 1, %s) AS last
          FROM generate_series(1, %s) place) mark
     WHERE mark.first > 0) hits
 WHERE hits.count > 0 ORDER BY found.path LIMIT %s
"""
PATHS = """
SELECT path FROM slices_pathhead
 WHERE organization_id = %s AND mode IS NOT NULL AND path ILIKE %s AND {conditions}
 ORDER BY {order} LIMIT %s
"""


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


@dataclass(frozen=True)
class Found:
    """Files with lines that match, in the order of paths; `rest` is the path up to which was searched when the time was up,
    empty where there was time for all that was asked."""

    files: list[FoundFile]
    rest: str = ""


def search_contents(
    sight: Sight, wanted: Wanted, *, after: str = "", limit: int, context: int = CONTEXT
) -> Found:
    """Up to `limit` files behind the path `after`. Raises InvalidRequest, InvalidPattern, SearchTooSlow."""
    wanted.check()
    search = _Search(sight, wanted)
    rows: list[Any] = []
    rest = ""
    for batch in search.batches(after):
        try:
            rows += (hits := search.hits(batch, limit - len(rows)))
        except SearchTooSlow:
            if not rest:
                raise
            break
        rest = batch[-1]
        if len(rows) >= limit:
            rest = ""
            break
        if search.is_late:
            break
        search.expect(len(hits) / len(batch), limit - len(rows))
    else:
        rest = ""
    return Found([_found(path, text, marks, count, context) for path, text, marks, count in rows], rest)


def search_paths(sight: Sight, wanted: Wanted, *, limit: int) -> list[str]:
    """Paths that have the words of the text in this order, the likeliest first. Raises as `search_contents`."""
    replace(wanted, is_expression=True).check()  # any number of characters will do
    conditions, values = _conditions(sight, wanted)
    order, within, at_end = path_order(wanted.text)
    if not within:
        return []
    parameters = [sight.organization.pk, within, *values, at_end, limit]
    return [path for (path,) in _answered(PATHS.format(conditions=conditions, order=order), parameters)]


def _conditions(sight: Sight, wanted: Wanted) -> tuple[str, list[Any]]:
    seen, values = sight.sql("path")
    terms = [seen]
    patterns, endings = wanted.patterns(), wanted.endings()
    if patterns is not None:
        term, more = patterns.sql("path")
        terms.append(term)
        values = [*values, *more]
    if endings:
        terms.append("path LIKE ANY(%s)")
        values = [*values, endings]
    return " AND ".join(terms), values


class _Search:
    """One search, with the time that it has."""

    def __init__(self, sight: Sight, wanted: Wanted) -> None:
        self._organization_id = sight.organization.pk
        self._wanted = wanted
        self._conditions, self._values = _conditions(sight, wanted)
        self._until = time.monotonic() + SECONDS
        self._size = FIRST_FILES

    @property
    def is_late(self) -> bool:
        return time.monotonic() > self._until

    def expect(self, share: float, missing: int) -> None:
        """Of the files looked at last, this share matched: the next batch is to have what is missing, or to be larger."""
        wanted = missing / share * 1.2 if share else LARGEST
        self._size = max(SMALLEST, min(self._size * GROWTH, int(wanted), LARGEST))

    def batches(self, after: str) -> Iterator[list[str]]:
        """Paths of files that may match, in order."""
        first = self._paths(after, FIRST_FILES)
        if first:
            yield first
        if len(first) < FIRST_FILES:
            return
        grams = self._wanted.grams
        yield from self._indexed(first[-1], grams) if grams else self._walked(first[-1])

    def hits(self, paths: list[str], limit: int) -> list[Any]:
        """Of the first `limit` of these files with lines that match: path, text, marks as [line, first, last], and how many
        lines have some."""
        wanted = self._wanted
        operator, flags = ("~", "") if wanted.matches_case else ("~*", "i")
        collated = 'COLLATE "C"' if wanted.is_plain else ""
        matches, operand = wanted.file_condition
        sql = HITS.format(files=FILES.format(matches=matches), operator=operator, collated=collated)
        parameters = [self._organization_id, self._organization_id, paths, operand]
        parameters += [wanted.expression, MAX_LINES + 1, wanted.expression, flags, wanted.expression, flags]
        return _answered(sql, [*parameters, MAX_MARKS, limit])

    def _indexed(self, after: str, grams: list[str]) -> Iterator[list[str]]:
        """Those that the index names; all of them, if it names too many."""
        try:
            paths = self._paths(after, None, grams)
        except SearchTooSlow:
            yield from self._walked(after)
            return
        at = 0
        while at < len(paths):
            batch = paths[at : at + self._size]
            yield batch
            at += len(batch)

    def _walked(self, after: str) -> Iterator[list[str]]:
        """All of them."""
        while paths := self._paths(after, self._size):
            yield paths
            after = paths[-1]

    def _paths(self, after: str, most: int | None, grams: Sequence[str] = ()) -> list[str]:
        conditions, values = self._conditions, self._values
        if grams:
            conditions, values = f"{INDEXED} @> %s::text[] AND {conditions}", [list(grams), *values]
        sql = CANDIDATES.format(conditions=conditions)
        return [path for (path,) in _answered(sql, [self._organization_id, *values, after, most])]


def _answered(sql: str, parameters: Sequence[Any], seconds: int = LONGEST) -> list[Any]:
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
