"""Patterns mean the same in Python, in PostgreSQL and in a slow reading of their definition."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from itertools import pairwise

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slices.containment import contains, overlap_possible
from slices.errors import InvalidPattern
from slices.globs import ANYTHING, escape, parse
from slices.patterns import Patterns, after_all_with, validate_pattern, validated

part = st.text("ab-.é[]*?+_(|", min_size=1, max_size=4).filter(lambda text: text not in (".", ".."))
path = st.lists(part, min_size=1, max_size=5).map("/".join)
word = (
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    "a",
                    "b",
                    "é",
                    "-",
                    ".",
                    "+",
                    "(",
                    "|",
                    "*",
                    "?",
                    "[ab]",
                    "[!a]",
                    "[+-é]",
                    "[[]",
                    "[]a]",
                    "[*]",
                    "[^b]",
                ]
            )
        ),
        min_size=1,
        max_size=4,
    )
    .map("".join)
    .filter(lambda text: "**" not in text and text not in (".", ".."))
)
pattern = st.lists(st.one_of(word, st.just("**")), min_size=1, max_size=5).map("/".join)
patterns = st.builds(
    lambda includes, excludes: Patterns(tuple(includes), tuple(excludes)),
    st.lists(pattern, min_size=1, max_size=4),
    st.lists(pattern, max_size=3),
)


def slow_match(text: str, path: str) -> bool:
    """By the definition, part by part. A set of one character, such as `[*]`, is that character."""
    parts = text.split("/")
    literal = re.sub(r"\[([^!^])\]", r"\1", text)
    if not set(re.sub(r"\[[^!^]\]", "", text)) & set("*?["):
        return path == literal or path.startswith(f"{literal}/")
    return _parts_match(parts, path.split("/"))


def _parts_match(wanted: list[str], given: list[str]) -> bool:
    if not wanted:
        return not given
    first, *rest = wanted
    if first == "**":
        if not rest:
            return bool(given)
        return any(_parts_match(rest, given[skipped:]) for skipped in range(len(given) + 1))
    return bool(given) and _part_matches(first, given[0]) and _parts_match(rest, given[1:])


def _part_matches(wanted: str, given: str) -> bool:
    return fnmatchcase(given, wanted.replace("[^", "[!"))


@settings(max_examples=600)
@given(pattern, path)
def test_a_pattern_matches_what_its_definition_says(text, path):
    assert Patterns((text,)).covers(path) == slow_match(text, path)


@pytest.mark.django_db
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patterns, st.lists(path, min_size=1, max_size=25))
def test_python_and_postgresql_agree(patterns, paths):
    condition, parameters = patterns.sql("p.path")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT path FROM unnest(%s::text[]) AS p(path) WHERE {condition}", [paths, *parameters]
        )
        found = {path for (path,) in cursor}
    assert found == {path for path in paths if patterns.covers(path)}


@settings(max_examples=300)
@given(patterns, path)
def test_every_covered_path_lies_in_an_interval_and_below_a_prefix(patterns, path):
    intervals = patterns.intervals()
    assert all(one.high <= two.low for one, two in pairwise(intervals))
    if patterns.covers(path):
        assert any(interval.low <= path < interval.high for interval in intervals)
        assert any(
            not prefix or path == prefix or path.startswith(f"{prefix}/") for prefix in patterns.prefixes()
        )


@settings(max_examples=600)
@given(pattern, pattern, st.lists(path, min_size=1, max_size=20))
def test_containment_never_says_yes_wrongly(outer, inner, paths):
    wide, narrow = Patterns((outer,)), Patterns((inner,))
    if contains(parse(outer), parse(inner)):
        assert all(wide.covers(path) for path in paths if narrow.covers(path))
    if not overlap_possible(parse(outer), parse(inner)):
        assert not any(wide.covers(path) and narrow.covers(path) for path in paths)


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("**", "a/*.py"),
        ("a/**", "a/b/**"),
        ("a/**", "a/*/c"),
        ("a", "a/**"),
        ("a", "a"),
        ("**/*.py", "a/b/*.py"),
        ("**/*.py", "**/a/*.py"),
        ("*/src/**", "a/src/b"),
        ("*/src/**", "a/src/**/x"),
        ("a/*", "a/x*"),
        ("**/docs/**", "a/docs/**"),
    ],
)
def test_containment_sees(outer, inner):
    assert contains(parse(outer), parse(inner))


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("a/**", "a"),
        ("a/**", "ab/**"),
        ("a/*", "a/**"),
        ("**/*.py", "a"),
        ("*/b", "a/b"),
        ("a/**", "**"),
        ("a/*/b", "a/**/b"),
    ],
)
def test_containment_does_not_see(outer, inner):
    assert not contains(parse(outer), parse(inner))


@given(path)
def test_an_escaped_path_means_that_path(path):
    patterns = Patterns((escape(path),))
    assert patterns.covers(path)
    assert patterns.covers(f"{path}/below")
    assert not patterns.covers(f"{path}x")
    assert patterns.prefixes() == {path}


@given(st.text(min_size=1, max_size=5), st.text(max_size=5))
def test_after_all_with_is_past_every_text_that_begins_so(stem, rest):
    if "\U0010ffff" not in stem:
        assert (stem + rest).encode() < after_all_with(stem).encode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("/a", "begins with '/'"),
        ("a//b", "empty part"),
        ("a/../b", "part '..'"),
        ("./a", "part '.'"),
        ("a\n", "control character"),
        ("a\x85", "control character"),
        ("a**", "stands alone"),
        ("a/[bc", "never closed"),
        ("[z-a]", "runs backwards"),
        ("x" * 4097, "longer than 4096 bytes"),
        ("/".join("a" * 129), "more than 128 parts"),
        ("\udc80", "not valid Unicode"),
        (7, "not a text"),
    ],
)
def test_a_wrong_pattern_is_refused_with_the_reason(text, reason):
    with pytest.raises(InvalidPattern, match=reason.replace("(", r"\(")):
        validate_pattern(text)


def test_a_definition_has_patterns_but_not_too_many():
    with pytest.raises(InvalidPattern, match="at least one"):
        validated([])
    with pytest.raises(InvalidPattern, match="at most 1000"):
        validated([f"a{number}" for number in range(600)], [f"b{number}" for number in range(401)])
    assert validated(["a", "b", "a"]).includes == ("a", "b")


def test_a_folder_with_a_slash_is_everything_below():
    assert Patterns(("a/",)).covers("a/b/c")
    assert not Patterns(("a/",)).covers("a")


def test_dot_parts_of_any_other_length_are_names():
    assert Patterns((".github/**",)).covers(".github/x")
    assert Patterns(("...",)).covers("...")


@pytest.mark.parametrize(
    "hostile", ["*a*a*a*a*a*a*a*a*a*a*a*a*b", "/".join(["**", "a"] * 60), "**/*a*a*a*a*a*a/**/*a*a*a*b"]
)
def test_no_pattern_takes_long(hostile):
    """With backtracking these would take years."""
    patterns = Patterns((hostile,))
    assert not patterns.covers("a" * 255)
    assert not patterns.covers("/".join(["a" * 15] * 250))
    assert not patterns.covers("/".join("a" * 2000) + "/c")


def test_everything_is_an_index_range_or_nothing():
    condition, parameters = Patterns(("a/**", "b/c.txt", "d/*.py")).sql("path")
    assert condition.count("path >=") == condition.count("path <") == 4
    assert ANYTHING not in str(parameters)
    assert Patterns(("x", "**")).sql("path") == ("TRUE", [])
