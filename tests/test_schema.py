"""Every operation that the API's description names, called by the hundred with what the description allows and with what
it does not: no call makes the server fail, and every answer is one that the description knows.

Parameters are mostly of things that exist (tests/furnished.py), so that calls get far. `make races` makes far more calls.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)

from accounts.models import Membership, User
from tests.furnished import FurnishedWorld
from tests.processes import REPOSITORY, WebServer

MANY = os.environ.get("GITSLICE_TEST_CASES") == "many"
CHECKS = [content_type_conformance, response_headers_conformance, response_schema_conformance]
READS_FIRST = ("get", "post", "put", "patch", "delete")
SECONDS = 10  # for an answer: the server stops a statement then

ODD_VALUES: list[Any] = [
    *("", "\0", "a\0b", "²", "٣", "é" * 300, "x" * 3000, "../..", "%00", "\u202e", "cl-99999999999999999999"),
    *("HEAD~1", "HEAD~99999999999", "g99999999999999999999", "(?", "[", "\\", "*" * 50, "nan"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30"),
    *(-1, 0, 2**31, 2**63, 10**30, 1.5, True, None, [], {}, [[]]),
    # cursors, of what another list would give: [], null, {"a":1}, [1,2], true, a huge number, -1, a time, NUL
    *("W10", "bnVsbA", "eyJhIjoxfQ", "WzEsMl0", "dHJ1ZQ", "OTk5OTk5OTk5OTk5OTk5OTk5OTk", "LTE"),
    *("WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwxXQ", "InhcdTAwMDAi", "WyJhIiwiXHUwMDAwIl0"),
]
ODD_HEADERS: list[dict[str, str]] = [
    *(
        {"Range": text}
        for text in ("bytes=0-3", "bytes=-5", "bytes=9-1", "bytes=0-1,3-4", f"bytes={'9' * 20}-")
    ),
    *({"If-None-Match": text} for text in ("*", '"x", W/"y"', "x")),
    *({"Idempotency-Key": text} for text in ("k", "k" * 5000, "\xff\xfe")),
    *({"Accept": text} for text in ("text/plain", "x", "*/*;q=x", "application/problem+json")),
    *(
        {"Content-Type": text}
        for text in ("application/json; charset=x", "multipart/form-data", "text/plain")
    ),
    *({"X-Forwarded-For": "x"}, {"Cookie": "sessionid=\xff"}, {"Content-Encoding": "gzip"}),
]


@schemathesis.serializer("application/x-gitslice-pack")
def _pack(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value, default=str).encode()


@pytest.fixture(scope="module")
def operations() -> list[APIOperation]:
    """Those that read come first, those that delete last."""
    schema = schemathesis.openapi.from_path(REPOSITORY / "docs/openapi.yaml")
    found = [operation.ok() for operation in schema.get_all_operations()]
    return sorted(found, key=lambda operation: (READS_FIRST.index(operation.method), operation.path))


@st.composite
def calls(draw: Callable[..., Any], cases: st.SearchStrategy[Case], real: dict[str, list[Any]]) -> Any:
    """A case of the description with what exists, and with what is odd, and a header or none."""
    case = draw(cases)
    for name in case.path_parameters or {}:
        if draw(st.integers(0, 19)) < 19:
            known = "machine" if name == "name" and "service-accounts" in case.path else name
            case.path_parameters[name] = draw(st.sampled_from(real.get(known, real[name])))
    if draw(st.integers(0, 7)) < 7:
        case.query.pop("format", None)  # another than the described ones is 404
    for parameter in case.operation.query:
        if parameter.name != "format" and draw(st.integers(0, 3)) == 3:
            existing = real.get(parameter.name, [])
            case.query[parameter.name] = draw(st.sampled_from(existing * 9 + ODD_VALUES))
    for fields in _objects(case.body):
        for name in list(fields):
            chosen = draw(st.integers(0, 9))
            if name in real and chosen < 7:
                fields[name] = draw(st.sampled_from(real[name]))
            elif chosen == 9:
                fields[name] = draw(st.sampled_from(ODD_VALUES))
    return case, draw(st.sampled_from([{}] * len(ODD_HEADERS) + ODD_HEADERS))


def _objects(body: Any) -> Iterator[dict[str, Any]]:
    if isinstance(body, dict):
        yield body
    for part in body.values() if isinstance(body, dict) else body if isinstance(body, list) else ():
        yield from _objects(part)


class Caller:
    """Sends cases with one token (None: nobody's), and keeps what is wrong with the answers."""

    def __init__(self, server: WebServer) -> None:
        self.url = server.url
        self.session = requests.Session()
        self.token: str | None = None
        self.wrong: dict[str, str] = {}
        self.answers = 0
        self.sent: list[str] = []

    def send(self, case: Case, odd: dict[str, str]) -> None:
        label = case.operation.label
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = case.as_transport_kwargs(base_url=self.url, headers=headers)
        request["headers"].update(odd)
        try:
            answer = self.session.request(**request, timeout=SECONDS + 5, stream=True, allow_redirects=False)
        except (ValueError, requests.exceptions.InvalidHeader):
            return  # nothing that can be sent
        except requests.RequestException as error:
            self.wrong.setdefault(label, f"no answer: {error!r} {request}")
            return
        with answer:
            why = self._why_wrong(case, answer)
        self.answers += 1
        self.sent.append(f"{answer.request.method} {answer.request.path_url} {answer.status_code}")
        if why:
            self.wrong.setdefault(label, f"{answer.status_code}: {why} {request}")

    def _why_wrong(self, case: Case, answer: requests.Response) -> str:
        if answer.status_code >= 500:
            return answer.text[:500]
        if answer.ok and str(answer.status_code) not in case.operation.definition.raw["responses"]:
            return "a success that is not described"
        if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            return ""  # it has no end
        try:
            case.validate_response(answer, checks=CHECKS)
        except (Failure, FailureGroup) as failure:
            return "; ".join(str(each) for each in getattr(failure, "exceptions", [failure]))[:800]
        return ""


def call(
    caller: Caller, operation: APIOperation, real: dict[str, list[Any]], mode: GenerationMode, most: int
) -> None:
    @settings(
        max_examples=most, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None
    )
    @given(calls(operation.as_strategy(generation_mode=mode), real))
    def send(call: tuple[Case, dict[str, str]]) -> None:
        caller.send(*call)

    send()


@pytest.mark.parametrize(("who", "valid", "invalid"), [("owner", 6, 3), ("reader", 2, 1), ("nobody", 2, 1)])
def test_no_call_fails_and_every_answer_is_described(web_server, operations, who, valid, invalid):
    world = FurnishedWorld()
    caller = Caller(web_server)
    for operation in operations:
        revive(world)
        scopes = {"scopes": ["read"]} if who == "reader" else {}
        caller.token = None if who == "nobody" else world.token(world.owner, **scopes)
        for mode, most in ((GenerationMode.POSITIVE, valid), (GenerationMode.NEGATIVE, invalid)):
            call(caller, operation, world.real, mode, most * 15 if MANY else most)
        if MANY:
            call_at_the_bounds(caller, operation, world.real)
    assert not caller.wrong, "\n\n".join(f"{label}: {why}" for label, why in caller.wrong.items())
    assert caller.answers > len(operations)


def call_at_the_bounds(caller: Caller, operation: APIOperation, real: dict[str, list[Any]]) -> None:
    """What schemathesis makes of each limit that the description names."""
    both = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    generation = operation.schema.config.generation
    for case in operation.schema.iter_coverage_cases(
        operation, generation_modes=both, generation_config=generation
    ):
        case.path_parameters |= {name: real[name][0] for name in case.path_parameters if name in real}
        caller.send(case, {})


def revive(world: FurnishedWorld) -> None:
    """Calls may have deactivated or demoted who makes them."""
    User.objects.filter(pk=world.owner.pk).update(is_active=True)
    Membership.objects.update_or_create(
        organization=world.organization, user=world.owner, defaults={"role": Membership.Role.OWNER}
    )
