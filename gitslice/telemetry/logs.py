"""One event, one line: JSON for programs, key=value for people at a terminal. The web server, workers, the schedule and
`manage.py` all write the same.

Every line says which request or task it belongs to. Secrets are left out of the finished values, whatever a message or
a traceback quotes.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any

import orjson
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import EventRenamer, JSONRenderer, TimeStamper, format_exc_info
from structlog.stdlib import ProcessorFormatter, add_log_level, add_logger_name

from gitslice.common.logs import without_secrets
from gitslice.telemetry.work import current

Facts = MutableMapping[str, Any]
SHAPES = ("auto", "json", "text")


def formatter(shape: str = "auto") -> ProcessorFormatter:
    """`auto`: text where stderr is a terminal, JSON elsewhere."""
    terminal = sys.stderr.isatty()
    renderers: list[Any] = [EventRenamer("message"), JSONRenderer(serializer=_json)]
    if shape == "text" or (shape == "auto" and terminal):
        renderers = [
            ConsoleRenderer(
                colors=terminal, exception_formatter=plain_traceback, pad_event_to=0, sort_keys=False
            )
        ]
    return ProcessorFormatter(
        foreign_pre_chain=[
            TimeStamper("iso", utc=True, key="timestamp"),
            add_log_level,
            add_logger_name,
            _add_facts,
        ],
        processors=[ProcessorFormatter.remove_processors_meta, format_exc_info, _hide_secrets, *renderers],
    )


def adopt(handlers: Iterable[logging.Handler], shape: str) -> None:
    """Let handlers that others set up write as ours do."""
    for handler in handlers:
        handler.setFormatter(formatter(shape))


def _add_facts(logger: Any, name: str, event: Facts) -> Facts:
    """Whose line it is, and what `extra={"facts": ...}` brings."""
    work = current()
    if work is not None:
        event["request_id"] = work.request_id
        event.update(work.facts)
    event.update(getattr(event["_record"], "facts", {}))
    return event


def _hide_secrets(logger: Any, name: str, event: Facts) -> Facts:
    return {key: without_secrets(value) if isinstance(value, str) else value for key, value in event.items()}


def _json(event: Facts, **_: Any) -> str:
    return orjson.dumps(event, default=str).decode(errors="replace")
