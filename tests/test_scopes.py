"""Every method of every API view says which scope a token needs, in the view and in this table, and it is enforced."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.views import APIView

from accounts.permissions import ScopePermission, needed_scope
from accounts.scim.views import ScimView
from accounts.scopes import ADMIN, ANY, READ, REVIEW, WRITE, Scope
from tests.api import Api
from tests.world import World

# For who has no token: descriptions of the API, and programs that are about to sign in.
OPEN = {"schema", "api-docs", "device-authorization", "device-token"}
NEEDED: dict[str, dict[str, Scope | None]] = {
    "me": {"GET": ANY},
    "organizations": {"GET": READ, "POST": ADMIN},
    "organization": {"GET": READ, "PATCH": ADMIN},
    "members": {"GET": READ, "POST": ADMIN},
    "member": {"GET": READ, "PATCH": ADMIN, "DELETE": ADMIN},
    "member-deactivate": {"POST": ADMIN},
    "member-reactivate": {"POST": ADMIN},
    "invitations": {"GET": READ, "POST": ADMIN},
    "invitation": {"DELETE": ADMIN},
    "invitation-resend": {"POST": ADMIN},
    "invitation-accept": {"POST": ADMIN},
    "scim-tokens": {"GET": READ, "POST": ADMIN},
    "scim-token": {"DELETE": ADMIN},
    "teams": {"GET": READ, "POST": ADMIN},
    "team": {"GET": READ, "PATCH": ADMIN, "DELETE": ADMIN},
    "team-members": {"GET": READ, "POST": ADMIN},
    "team-member": {"DELETE": ADMIN},
    "user-deactivate": {"POST": ADMIN},
    "user-reactivate": {"POST": ADMIN},
    "service-accounts": {"GET": READ, "POST": ADMIN},
    "service-account": {"GET": READ, "DELETE": ADMIN},
    "service-account-tokens": {"GET": READ, "POST": ADMIN},
    "service-account-token": {"DELETE": ADMIN},
    "audit-events": {"GET": READ},
    "audit-export": {"GET": READ},
    "tokens": {"GET": READ, "POST": ADMIN},
    "token": {"DELETE": ADMIN},
    "own-token": {"GET": ANY, "DELETE": ANY},
    "webhooks": {"GET": READ, "POST": ADMIN},
    "webhook": {"GET": READ, "PATCH": ADMIN, "DELETE": ADMIN},
    "webhook-rotate": {"POST": ADMIN},
    "webhook-ping": {"POST": ADMIN},
    "webhook-deliveries": {"GET": READ},
    "webhook-redeliver": {"POST": ADMIN},
    "uploads": {"POST": WRITE},
    "slices": {"GET": READ},
    "organization-slices": {"POST": WRITE},
    "slice": {"GET": READ, "PATCH": ADMIN},
    "slice-fork": {"POST": WRITE},
    "slice-status": {"GET": READ},
    "slice-owners": {"GET": READ},
    "slice-roles": {"GET": READ, "POST": ADMIN},
    "slice-role": {"DELETE": ADMIN},
    "slice-definitions": {"GET": READ},
    "slice-overlaps": {"GET": READ},
    "slice-manifest": {"GET": READ},
    "slice-objects": {"POST": READ},
    "slice-tree": {"GET": READ},
    "slice-file": {"GET": READ},
    "slice-commits": {"GET": READ},
    "slice-commit": {"GET": READ},
    "slice-commit-diff": {"GET": READ},
    "slice-diff": {"GET": READ},
    "slice-changesets": {"GET": READ, "POST": WRITE},
    "commit-revert": {"POST": WRITE},
    "changesets": {"GET": READ},
    "changeset": {"GET": READ},
    "changeset-patchsets": {"GET": READ, "POST": WRITE},
    "changeset-diff": {"GET": READ},
    "changeset-review": {"GET": READ},
    "changeset-reviews": {"GET": READ, "POST": REVIEW},
    "changeset-comments": {"GET": READ, "POST": REVIEW},
    "changeset-merge": {"POST": WRITE},
    "changeset-rebase": {"POST": WRITE},
    "changeset-abandon": {"POST": WRITE},
    "changeset-resolve": {"POST": WRITE},
    "conflicts": {"GET": READ},
    "conflict-history": {"GET": READ},
    "conflict": {"GET": READ, "PATCH": WRITE},
    "conflict-events": {"GET": READ},
    "conflict-comments": {"POST": REVIEW},
    "mail-choice": {"GET": READ, "PATCH": WRITE},
    "events": {"GET": READ},
    "global": {"GET": READ},
    "global-slices": {"GET": READ},
    "global-pending": {"GET": READ},
    "global-merge": {"POST": ADMIN},
    "global-tags": {"GET": READ, "POST": ADMIN},
    "global-commits": {"GET": READ},
    "global-commit": {"GET": READ},
    "global-revert": {"POST": ADMIN},
    "global-statistics": {"GET": READ},
}
EXAMPLES: dict[str, Any] = {
    "org": "acme",
    "name": "web",
    "commit": "0" * 64,
    "number": 1,
    "conflict_id": 1,
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
    waiting: list[URLPattern | URLResolver] = list(get_resolver().url_patterns)
    while waiting:
        route = waiting.pop()
        if isinstance(route, URLResolver):
            waiting += route.url_patterns
        else:
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
