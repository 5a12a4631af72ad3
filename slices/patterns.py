"""The patterns of a definition: which paths they cover, in Python and as a condition for PostgreSQL. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal

from gitslice_core.paths import ancestors
from slices.errors import InvalidPattern
from slices.globs import BELOW, GLOB, LITERAL, Pattern, parse

if TYPE_CHECKING:
    from slices.models import Definition, Slice

MAX_PATTERNS = 1000
MAX_CACHED = 1000  # definitions that a process remembers
MAX_FOLDERS = 5000  # folders that a definition remembers
HIGHEST = "\U0010ffff" * 4  # sorts after every path


@dataclass(frozen=True)
class Interval:
    """All paths p with low <= p < high, in byte order."""

    low: str
    high: str


@dataclass(frozen=True)
class Patterns:
    """Covered is what one of `includes` matches and none of `excludes`."""

    includes: tuple[str, ...]
    excludes: tuple[str, ...] = ()

    def covers(self, path: str) -> bool:
        return self._included.matches(path) and not self._excluded.matches(path)

    def covered(self, paths: Iterable[str]) -> list[str]:
        return [path for path in paths if self.covers(path)]

    def prefixes(self) -> set[str]:
        """For every include the literal folder or path that all it matches is or lies below ('' for a leading glob)."""
        return {pattern.prefix for pattern in self._included.patterns}

    def sql(self, column: str) -> tuple[str, list[Any]]:
        """A condition that holds for the same paths as `covers`, and its parameters.

        `column` is compared in collation "C", so an index on it (and nothing but ranges of it) is read.
        """
        condition, parameters = self._included.sql(column)
        if self._excluded.patterns:
            negated, more = self._excluded.sql(column)
            return f"({condition} AND NOT {negated})", [*parameters, *more]
        return condition, parameters

    def intervals(self) -> list[Interval]:
        """Disjoint intervals in order that hold every covered path, without the folders that are excluded."""
        return _without(_united(self._included.intervals()), _united(self._excluded.exact_intervals()))

    @property
    def everything(self) -> bool:
        return self._included.everything and not self._excluded.patterns

    @cached_property
    def include_patterns(self) -> tuple[Pattern, ...]:
        return self._included.patterns

    @cached_property
    def exclude_patterns(self) -> tuple[Pattern, ...]:
        return self._excluded.patterns

    @cached_property
    def _included(self) -> _Side:
        return _Side(tuple(map(parse, self.includes)))

    @cached_property
    def _excluded(self) -> _Side:
        return _Side(tuple(map(parse, self.excludes)))


def validate_pattern(pattern: Any) -> None:
    """Raise InvalidPattern, with the reason, for what is not a pattern."""
    if not isinstance(pattern, str):
        raise InvalidPattern(str(pattern), "is not a text")
    parse(pattern)


def validated(includes: Sequence[str], excludes: Sequence[str] = ()) -> Patterns:
    """The patterns of a new definition, each once, in the order given. Raises InvalidPattern."""
    for pattern in (*includes, *excludes):
        validate_pattern(pattern)
    patterns = Patterns(tuple(dict.fromkeys(includes)), tuple(dict.fromkeys(excludes)))
    if not patterns.includes:
        raise InvalidPattern("", "a slice needs at least one pattern")
    if len(patterns.includes) + len(patterns.excludes) > MAX_PATTERNS:
        raise InvalidPattern(patterns.includes[0], f"a definition has at most {MAX_PATTERNS} patterns")
    return patterns


def patterns_of(slice: Slice) -> Patterns:
    """The current patterns of a slice, compiled once per definition and process."""
    definition = definition_of(slice)
    return compiled(bytes(definition.digest), definition.includes, definition.excludes)


def definition_of(slice: Slice) -> Definition:
    """The current definition; a slice is created with its first."""
    assert slice.definition is not None
    return slice.definition


def compiled(digest: bytes, includes: Iterable[str], excludes: Iterable[str]) -> Patterns:
    """The patterns of the definition with this digest, from the cache if they are there."""
    return _compiled(_Key(digest, tuple(includes), tuple(excludes)))


@dataclass(frozen=True)
class _Key:
    """Equal and hashed by the digest alone."""

    digest: bytes
    includes: tuple[str, ...] = field(compare=False)
    excludes: tuple[str, ...] = field(compare=False)


@lru_cache(maxsize=MAX_CACHED)
def _compiled(key: _Key) -> Patterns:
    return Patterns(key.includes, key.excludes)


@dataclass(frozen=True)
class _Side:
    """Either the includes or the excludes."""

    patterns: tuple[Pattern, ...]

    def matches(self, path: str) -> bool:
        folder = path.rpartition("/")[0]
        verdict = self._verdicts.get(folder)
        if verdict is None:
            if len(self._verdicts) >= MAX_FOLDERS:
                self._verdicts.clear()
            verdict = self._verdicts[folder] = self._verdict(folder)
        if verdict is True or path in self._literals:
            return True
        return bool(verdict) and any(expression.fullmatch(path) for expression in verdict)

    def _verdict(self, folder: str) -> Literal[True] | tuple[re.Pattern[str], ...]:
        """True if all that stands in the folder matches, else the expressions that may."""
        above = ["", *ancestors(folder), folder]
        if self.everything or not self._folders.isdisjoint(above):
            return True
        return tuple(
            self._expressions[prefix] for prefix in dict.fromkeys(above) if prefix in self._expressions
        )

    def sql(self, column: str) -> tuple[str, list[Any]]:
        if self.everything:
            return "TRUE", []
        terms: list[str] = []
        parameters: list[Any] = []
        for interval in _united(self.exact_intervals()):
            terms.append(f'({column} >= %s COLLATE "C" AND {column} < %s COLLATE "C")')
            parameters += [interval.low, interval.high]
        for (low, high), expression in self._postgres_expressions.items():
            term, values = f"{column} ~ %s", [expression]
            if high:
                term = f'{column} >= %s COLLATE "C" AND {column} < %s COLLATE "C" AND {term}'
                values = [low, after_all_with(high), expression]
            terms.append(f"({term})")
            parameters += values
        return f"({' OR '.join(terms)})", parameters

    @cached_property
    def everything(self) -> bool:
        return any(pattern.kind == BELOW and not pattern.prefix for pattern in self.patterns)

    def intervals(self) -> list[Interval]:
        spans = [pattern.span() for pattern in self.patterns if pattern.kind == GLOB]
        return self.exact_intervals() + [Interval(low, after_all_with(high)) for low, high in spans]

    def exact_intervals(self) -> list[Interval]:
        """The intervals of the patterns without residue: literal paths and whole folders."""
        if self.everything:
            return [Interval("", HIGHEST)]
        literals = [Interval(path, f"{path}\x01") for path in self._literals]
        return literals + [
            Interval(f"{folder}/", f"{folder}0") for folder in self._folders
        ]  # '0' follows '/'

    @cached_property
    def _verdicts(self) -> dict[str, Literal[True] | tuple[re.Pattern[str], ...]]:
        """Folder -> `_verdict`, remembered: the paths of a patchset stand in far fewer folders."""
        return {}

    @cached_property
    def _literals(self) -> frozenset[str]:
        return frozenset(pattern.prefix for pattern in self.patterns if pattern.kind == LITERAL)

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(pattern.prefix for pattern in self.patterns if pattern.kind in (LITERAL, BELOW))

    @cached_property
    def _expressions(self) -> dict[str, re.Pattern[str]]:
        """Literal folder -> expression of all globs in it."""
        globs: dict[str, list[str]] = defaultdict(list)
        for pattern in self.patterns:
            if pattern.kind == GLOB:
                globs[pattern.prefix].append(pattern.python_regex())
        return {prefix: re.compile(_alternatives(regexes), re.DOTALL) for prefix, regexes in globs.items()}

    @cached_property
    def _postgres_expressions(self) -> dict[tuple[str, str], str]:
        """Span -> expression of all globs that have it."""
        globs: dict[tuple[str, str], list[str]] = defaultdict(list)
        for pattern in self.patterns:
            if pattern.kind == GLOB:
                globs[pattern.span()].append(pattern.postgres_regex())
        return {span: rf"\A(?:{_alternatives(regexes)})\Z" for span, regexes in sorted(globs.items())}


def after_all_with(stem: str) -> str:
    """The least text that sorts after every text beginning with `stem`."""
    for end in range(len(stem), 0, -1):
        code = ord(stem[end - 1])
        if code < 0x10FFFF:
            following = 0xE000 if code == 0xD7FF else code + 1  # surrogates are no characters
            return stem[: end - 1] + chr(following)
    return HIGHEST


def _alternatives(regexes: Sequence[str]) -> str:
    return "|".join(f"(?:{regex})" for regex in regexes)


def _united(intervals: Iterable[Interval]) -> list[Interval]:
    """The same paths in disjoint intervals in order."""
    united: list[Interval] = []
    for interval in sorted(intervals, key=lambda interval: interval.low):
        if united and interval.low <= united[-1].high:
            if interval.high > united[-1].high:
                united[-1] = Interval(united[-1].low, interval.high)
        else:
            united.append(interval)
    return united


def _without(intervals: Sequence[Interval], holes: Sequence[Interval]) -> list[Interval]:
    """`intervals` minus `holes`; both disjoint and in order."""
    left: list[Interval] = []
    for interval in intervals:
        low = interval.low
        for hole in holes:
            if hole.high <= low or hole.low >= interval.high:
                continue
            if low < hole.low:
                left.append(Interval(low, hole.low))
            low = max(low, hole.high)
        if low < interval.high:
            left.append(Interval(low, interval.high))
    return left
