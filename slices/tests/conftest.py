from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.http.response import HttpResponseBase
from django.test import Client

from accounts.models import User
from tests.world import World


@pytest.fixture
def world(db: None) -> World:
    return World()


class Api:
    """Calls the API as one user, or as nobody."""

    def __init__(self, token: str | None) -> None:
        self.client = Client(raise_request_exception=True)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, headers: dict[str, str] | None = None, /, **query: Any) -> HttpResponseBase:
        return self.client.get(f"/api/v1/{path}", query, headers=self.headers | (headers or {}))

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> HttpResponseBase:
        return self._send(self.client.post, path, body, headers)

    def patch(self, path: str, body: Any) -> HttpResponseBase:
        return self._send(self.client.patch, path, body, None)

    def _send(
        self, send: Callable[..., Any], path: str, body: Any, headers: dict[str, str] | None
    ) -> HttpResponseBase:
        return send(
            f"/api/v1/{path}", orjson.dumps(body), "application/json", headers=self.headers | (headers or {})
        )


@pytest.fixture
def api(world: World) -> Callable[..., Api]:
    """`api(user)`; `api()` is the owner, `api(None)` a stranger who is not signed in."""

    def make(user: User | None = world.owner) -> Api:
        return Api(world.token(user) if user else None)

    return make
