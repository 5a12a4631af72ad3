"""The audit hook: services say what happened; who asked, from where and with which token is known to the request.

`common` imports no app, so the trail itself is written by whoever registers as the recorder (accounts does).
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Origin:
    """Where the current request comes from."""

    address: str | None = None
    token_id: int | None = None
    impersonated_by: str | None = None  # the superuser who acts in the user's place

    def in_place_of(self, username: str) -> Origin:
        return replace(self, impersonated_by=username)

    def without_support(self) -> Origin:
        return replace(self, impersonated_by=None)


_origin: ContextVar[Origin] = ContextVar("audit_origin", default=Origin())  # noqa: B039 (frozen)
_recorder: Callable[..., None] | None = None


def set_origin(origin: Origin) -> None:
    _origin.set(origin)


def current_origin() -> Origin:
    return _origin.get()


def set_recorder(recorder: Callable[..., None]) -> None:
    global _recorder
    _recorder = recorder


def record(
    *, organization: Any, actor: Any, action: str, object: str, detail: dict[str, Any] | None = None
) -> None:
    """Write one audit event in the caller's transaction. `action` is `noun.verb`, `object` names what was changed."""
    assert _recorder is not None, "accounts registers the recorder when the apps are ready"
    _recorder(organization=organization, actor=actor, action=action, object=object, detail=detail or {})
