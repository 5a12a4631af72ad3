"""Every method of every API view says which scope a token needs, as accounts/actions.py has it, and it is enforced."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.test import Client
from django.urls import URLPattern, reverse
from rest_framework.views import APIView

from accounts.actions import ACTIONS
from accounts.permissions import ScopePermission, needed_scope
from accounts.scim.views import ScimView
from accounts.scopes import ANY, READ, WRITE, Scope
from tests.api import Api
from tests.routes import API, every_route
from tests.world import World

# For who has no token: descriptions of the API, and programs that are about to sign in.
OPEN = {"schema", "api-docs", "device-authorization", "device-token"}
NEEDED = {
    name: {method: ACTIONS[action].scope for method, action in methods.items()}
    for name, methods in API.items()
    if name not in OPEN
}
EXAMPLES: dict[str, Any] = {
    "org": "acme",
    "name": "web",
    "commit": "0" * 64,
    "number": 1,
    "conflict_id": 1,
    "comment_id": 1,
    "thread_id": 1,
    "draft_id": uuid.UUID(int=0),
    "webhook_id": 1,
    "token_id": 0,
    "user": "nobody",
    "team": "none",
    "holder": "nobody",
    "invitation_id": 0,
    "delivery_id": uuid.UUID(int=0),
}


def api_views() -> Iterator[tuple[URLPattern, type[APIView]]]:
    """Every route that a view of the REST framework answers, with that view."""
    for _, route in every_route():
        view = getattr(route.callback, "cls", None)
        if view is not None and issubclass(view, APIView):
            yield route, view


def methods_of(view: type[APIView]) -> set[str]:
    return {name.upper() for name in view.http_method_names if hasattr(view, name)} - {"OPTIONS", "HEAD"}


def test_every_method_of_every_view_declares_its_scope():
    found = {}
    for route, view in api_views():
        if route.name in OPEN or issubclass(view, ScimView):
            assert ScopePermission not in view.permission_classes, route.name
            continue
        assert ScopePermission in view.permission_classes, f"{view} passes the scopes by"
        declared = getattr(view, "scopes", {})
        assert set(declared) == methods_of(view), f"{view.__module__}.{view.__name__}: scopes"
        found[route.name] = dict(declared)
    assert found == NEEDED


@pytest.mark.django_db
@pytest.mark.parametrize("scope", list(Scope))
def test_a_token_opens_what_its_scope_is_for_and_nothing_else(scope):
    world = World()
    world.slice("web", "web/**")
    client = Client()
    differing = []
    routes = {route.name: route for route, _ in api_views()}
    for name, methods in NEEDED.items():
        arguments = {key: EXAMPLES[key] for key in routes[name].pattern.converters}
        for method, needed in methods.items():
            if name == "events" and needed == scope:
                continue  # an open stream
            secret = world.token(world.owner, scopes=[scope])
            answer = client.generic(
                method,
                reverse(name, kwargs=arguments),
                orjson.dumps({}),
                "application/json",
                headers={"Authorization": f"Bearer {secret}"},
            )
            refused = answer.status_code == 403 and b'"insufficient_scope"' in answer.content
            if refused != (needed not in (ANY, scope)):
                differing.append((method, name, answer.status_code))
    assert differing == []


@pytest.mark.django_db
def test_a_refusal_names_the_scope():
    world = World()
    answer = Api(world.token(world.owner, scopes=[READ])).post("orgs/", {"organization": "second"}).json()
    assert (answer["code"], answer["details"]) == (
        "insufficient_scope",
        {"scope": "admin", "scopes": ["read"]},
    )


class Undeclared(APIView):
    def post(self) -> None: ...


def test_what_is_not_declared_is_closed():
    assert needed_scope(Undeclared, "POST") not in (ANY, *Scope)


@pytest.mark.django_db
def test_asking_for_the_head_of_an_answer_needs_what_the_answer_needs():
    world = World()
    statuses = []
    for scope in (READ, WRITE):
        headers = {"Authorization": f"Bearer {world.token(world.owner, scopes=[scope])}"}
        statuses.append(Client().head("/api/v1/slices/", headers=headers).status_code)
        assert Client().options("/api/v1/slices/", headers=headers).status_code == 200
        assert Client().put("/api/v1/slices/", headers=headers).status_code == 405
    assert statuses == [200, 403]
