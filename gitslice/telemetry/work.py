"""The piece of work that a thread is at: a request or a task. Logs, counts and traces all say whose they are by it."""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}\Z")


@dataclass(slots=True)
class Work:
    """`facts` stand in every line of the log that is written meanwhile; `span` is its place in a trace, if one is
    recorded."""

    request_id: str
    facts: dict[str, Any] = field(default_factory=dict)
    sql_count: int = 0
    sql_seconds: float = 0.0
    span: Any = None


_current: ContextVar[Work | None] = ContextVar("work", default=None)


def begin(request_id: str) -> Work:
    work = Work(request_id)
    _current.set(work)
    return work


def current() -> Work | None:
    return _current.get()


def end() -> None:
    _current.set(None)


def new_request_id() -> str:
    return os.urandom(16).hex()


def request_id_of(given: str | None) -> str:
    """What a caller named its request, if that may stand in logs, else a new one."""
    return given if given and REQUEST_ID.match(given) else new_request_id()
