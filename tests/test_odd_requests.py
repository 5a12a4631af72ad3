"""Every page and every address that takes a form, and SCIM, asked with odd queries and fields, by an owner and by nobody:
none fails. `make races` asks far more often."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils.regex_helper import normalize
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.furnished import FurnishedWorld
from tests.processes import REPOSITORY
from tests.test_schema import ODD_VALUES, revive

MANY = os.environ.get("GITSLICE_TEST_CASES") == "many"
TIMES = 20 if MANY else 2  # that nobody asks for an address; an owner asks twice as often
ELSEWHERE = ("admin/", "api/")  # the administration is Django's, the API has tests/test_schema.py
TEXTS = [str(value) for value in ODD_VALUES]
ODD_HEADERS: list[dict[str, str]] = [
    *({"HX-Request": "true"}, {"Range": "bytes=9-1"}, {"If-None-Match": "x"}, {"Accept": "x"}),
    *({"Accept-Language": "xx-\xff"}, {"Cookie": "messages=\xff"}, {"Referer": "x"}),
]
SCIM_FILTERS = [
    'userName eq "dora"',
    "active eq true",
    'emails[type eq "work"].value',
    "(",
    'id eq "\0"',
    "a b c",
]
SCIM_PATHS = [
    "active",
    "emails",
    'emails[type eq "work"].value',
    "members",
    'members[value eq "1"]',
    "name.a",
    "[",
]


def addresses(patterns: Any = None, before: str = "") -> Iterator[tuple[str, list[str]]]:
    """Each with places for its parameters, `%(name)s`, and their names."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        regex = before + pattern.pattern.regex.pattern.removeprefix("^")
        if isinstance(pattern, URLPattern):
            yield normalize(regex.replace(r"\Z", ""))[0]
        else:
            yield from addresses(pattern.url_patterns, regex)


PAGES = [found for found in addresses() if not found[0].startswith((*ELSEWHERE, "scim/"))]


def fields() -> list[str]:
    """The names that pages have for what they are told."""
    pages = (path.read_text() for path in (REPOSITORY / "templates").rglob("*.html"))
    return sorted(
        {name for text in pages for name in re.findall(r' name="([\w-]+)"', text)} | {"cursor", "q"}
    )


@pytest.fixture
def world(db: None) -> FurnishedWorld:
    return FurnishedWorld()


class Requests:
    """What is asked, of things that exist mostly."""

    def __init__(self, world: FurnishedWorld) -> None:
        self.real = world.real
        self.values = {name: self._value(name) for name in fields()}

    def _value(self, name: str) -> st.SearchStrategy[Any]:
        existing = self.real.get(name, [])
        return st.sampled_from(existing * (1 + len(TEXTS) // max(len(existing), 1)) + TEXTS)

    def paths(self, template: str, names: list[str]) -> st.SearchStrategy[str]:
        parts = {name: st.sampled_from(self.real.get(name, []) * 20 + TEXTS) for name in names}
        return st.fixed_dictionaries(parts).map(
            lambda values: "/" + template % {name: quote(str(value)) for name, value in values.items()}
        )

    def fields(self, most: int) -> st.SearchStrategy[dict[str, Any]]:
        chosen = st.lists(st.sampled_from(sorted(self.values)), max_size=most, unique=True)
        return chosen.flatmap(
            lambda names: st.fixed_dictionaries({name: self.values[name] for name in names})
        )


def trying(times: int) -> settings:
    return settings(
        max_examples=times, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None
    )


def test_pages_do_not_fail(world):
    wrong: dict[str, str] = {}
    asked = Requests(world)

    def ask(client: Client, template: str, names: list[str], times: int) -> None:
        path, headers = asked.paths(template, names), st.sampled_from([{}, *ODD_HEADERS])

        @trying(times)
        @given(path, asked.fields(4), st.none() | asked.fields(20), headers)
        def once(
            path: str, query: dict[str, Any], form: dict[str, Any] | None, headers: dict[str, str]
        ) -> None:
            method = client.get if form is None else client.post
            answer = method(path, form, query_params=query, headers=headers)
            if answer.status_code >= 500:
                wrong.setdefault(template, f"{path} {query} {form} {headers}")

        once()

    for template, names in PAGES:
        revive(world)
        owner = Client(raise_request_exception=False)
        owner.force_login(world.owner)
        ask(owner, template, names, 2 * TIMES)
        ask(Client(raise_request_exception=False), template, names, TIMES)
    assert not wrong, "\n\n".join(f"{template}: {why}" for template, why in wrong.items())


def scim_documents(world: FurnishedWorld) -> st.SearchStrategy[Any]:
    atoms = st.sampled_from([*ODD_VALUES, *world.real["resource_id"], "dora", "Staff"])
    values = st.recursive(
        atoms,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "type"]), inner)
        ),
    )
    names = st.sampled_from(
        ["userName", "emails", "active", "name", "displayName", "members", "externalId", "id"]
    )
    resource = st.dictionaries(names, values, max_size=6)
    operation = st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace", "remove", "x"]), "value": values | resource},
        optional={"path": st.sampled_from(SCIM_PATHS)},
    )
    return resource | st.fixed_dictionaries({"Operations": st.lists(operation, max_size=3)}) | values


def test_scim_does_not_fail(world):
    client = Client(raise_request_exception=False)
    headers = {"Authorization": f"Bearer {world.scim_secret}"}
    ids = st.sampled_from([*world.real["resource_id"] * 5, "0", "x", "9" * 30, "%00"])
    path = st.sampled_from(["Users", "Groups", "Schemas"]) | st.builds(
        "{}/{}".format, st.sampled_from(["Users", "Groups"]), ids
    )
    query = st.fixed_dictionaries(
        {},
        optional={
            "filter": st.sampled_from(SCIM_FILTERS + TEXTS),
            "startIndex": st.sampled_from(TEXTS),
            "count": st.sampled_from(TEXTS),
            "attributes": st.sampled_from(SCIM_PATHS),
        },
    )
    wrong: list[str] = []

    @trying(5_000 if MANY else 200)
    @given(path, query, st.sampled_from(["GET", "POST", "PUT", "PATCH"]), scim_documents(world))
    def ask(path: str, query: dict[str, str], method: str, document: Any) -> None:
        body = (
            orjson.dumps(document, default=str, option=orjson.OPT_NON_STR_KEYS) if plain(document) else b"["
        )
        answer = client.generic(
            method,
            f"/scim/v2/acme/{path}",
            body,
            "application/scim+json",
            headers=headers,
            query_params=query,
        )
        if answer.status_code >= 500:
            wrong.append(f"{method} {path} {query} {body!r}")

    ask()
    assert not wrong, "\n".join(wrong)


def plain(document: Any) -> bool:
    """Does orjson write it? Not integers of more than 64 bits."""
    try:
        orjson.dumps(document)
    except orjson.JSONEncodeError:
        return False
    return True
