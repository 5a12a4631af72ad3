"""Filters, paths and patches of SCIM, as directories write them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.scim.errors import InvalidFilter
from accounts.scim.filters import Condition, parse_filter, parse_path
from accounts.scim.patching import patched
from gitslice.common.errors import InvalidRequest


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ('userName eq "Ann@Example.com"', [("username", "Ann@Example.com")]),
        ('externalId eq "a\\"b"', [("externalid", 'a"b')]),
        ('USERNAME Eq "x"', [("username", "x")]),
        ('emails[type eq "work"]', [("emails.type", "work")]),
        ('id eq "1" and members[value eq "2"]', [("id", "1"), ("members.value", "2")]),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "x"', [("username", "x")]),
        ("active eq true", [("active", "true")]),
    ],
)
def test_filters(text, conditions):
    assert parse_filter(text) == [Condition(*condition) for condition in conditions]


@pytest.mark.parametrize(
    "text",
    [
        "userName",
        'userName co "x"',
        'userName eq "x',
        'a eq "1" or b eq "2"',
        'a eq "1" b eq "2"',
        '(a eq "1")',
        "\0",
    ],
)
def test_filters_that_are_not_understood(text):
    with pytest.raises(InvalidFilter):
        parse_filter(text)


@given(st.text())
def test_any_text_is_a_filter_or_refused(text):
    with contextlib.suppress(InvalidFilter):
        assert parse_filter(text)


@given(st.text())
def test_any_text_is_a_path_or_refused(text):
    with contextlib.suppress(InvalidRequest):
        parse_path(text)


MAIL = {"type": "work", "value": "a@example.com"}


@pytest.mark.parametrize(
    ("before", "operation", "after"),
    [
        ({}, {"op": "Replace", "path": "active", "value": "False"}, {"active": "False"}),
        ({}, {"op": "replace", "value": {"active": False}}, {"active": False}),
        ({}, {"op": "Add", "path": "name.givenName", "value": "A"}, {"name": {"givenname": "A"}}),
        ({"name": {"givenName": "A"}}, {"op": "replace", "value": {"name.familyName": "B"}},
         {"name": {"givenname": "A", "familyname": "B"}}),
        ({"name": {"givenName": "A"}}, {"op": "replace", "path": "name", "value": {"familyName": "B"}},
         {"name": {"givenname": "A", "familyname": "B"}}),
        ({"displayName": "x"}, {"op": "remove", "path": "displayName"}, {}),
        ({}, {"op": "add", "path": 'emails[type eq "work"].value', "value": "a@example.com"}, {"emails": [MAIL]}),
        ({"emails": [MAIL]}, {"op": "replace", "path": 'emails[type eq "work"].value', "value": "b@example.com"},
         {"emails": [{"type": "work", "value": "b@example.com"}]}),
        ({"emails": [MAIL]}, {"op": "remove", "path": 'emails[type eq "work"]'}, {"emails": []}),
        ({"members": [{"value": "1"}]}, {"op": "Add", "path": "members", "value": [{"$ref": None, "value": "2"}]},
         {"members": [{"value": "1"}, {"$ref": None, "value": "2"}]}),
        ({"members": [{"value": "1"}, {"value": "2"}]}, {"op": "Remove", "path": "members", "value": [{"value": "1"}]},
         {"members": [{"value": "2"}]}),
        ({"members": [{"value": "1"}, {"value": "2"}]}, {"op": "remove", "path": 'members[value eq "2"]'},
         {"members": [{"value": "1"}]}),
        ({"members": [{"value": "1"}]}, {"op": "remove", "path": "members"}, {"members": []}),
        ({"members": [{"value": "1"}]}, {"op": "replace", "path": "members", "value": [{"value": "3"}]},
         {"members": [{"value": "3"}]}),
        ({"userName": "a"}, {"op": "replace", "value": {"id": "1", "displayName": "D"}},
         {"username": "a", "id": "1", "displayname": "D"}),
        ({"userName": "a"}, {"op": "add", "path":
          "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "IT"}, {"username": "a"}),
    ],
)  # fmt: skip
def test_patches(before, operation, after):
    assert patched(before, [operation]) == after


@pytest.mark.parametrize(
    "operations",
    [None, [], {}, ["x"], [{"op": "move"}], [{"op": "remove"}], [{"op": "add", "value": "x"}],
     [{"op": "add", "path": "a b c", "value": 1}], [{"op": "add", "path": "userName.x", "value": 1}]],
)  # fmt: skip
def test_patches_that_are_not_understood(operations):
    with pytest.raises(InvalidRequest):
        patched({"userName": "a"}, operations)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
paths = st.sampled_from(
    ["members", "emails", 'emails[type eq "work"].value', "name.givenName", "name", "active"]
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"op": st.sampled_from(["add", "replace", "remove"]), "value": json_values},
            optional={"path": paths},
        ),
        max_size=4,
    )
)
def test_any_patch_is_done_or_refused(operations):
    with contextlib.suppress(InvalidRequest):
        patched({"userName": "a", "emails": [MAIL], "members": []}, operations)
