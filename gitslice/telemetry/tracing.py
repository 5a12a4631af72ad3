"""Traces by OpenTelemetry, from `gs` or whoever calls, through web, SQL and object store to the workers.

Off unless OTEL_EXPORTER_OTLP_ENDPOINT says where they go, and then nothing of it is imported here. What a piece of work does
is told when it has ended, so that nothing is left open: `note`. Statements are told as they were written, without the
values in them.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from gitslice.telemetry.work import Work, current

LONGEST_TEXT = 2_000

_tracers: dict[int, Any] = {}  # by process: a fork begins its own


def start(work: Work, name: str, kind: str, carrier: Mapping[str, str], **attributes: Any) -> None:
    """Give the work its place in the trace that the caller's `traceparent` names, else in one of its own."""
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        return
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    parent = TraceContextTextMapPropagator().extract(carrier)
    attributes["gitslice.request_id"] = work.request_id
    work.span = _tracer().start_span(name, parent, SpanKind[kind], attributes)


def finish(work: Work, name: str, *, failed: bool, **attributes: Any) -> None:
    if work.span is None:
        return
    from opentelemetry.trace import StatusCode

    work.span.update_name(name)
    work.span.set_attributes(attributes)
    if failed:
        work.span.set_status(StatusCode.ERROR)
    work.span.end()


def note(name: str, seconds: float, kind: str = "CLIENT", **attributes: Any) -> None:
    """What the current work has just done, and how long it took."""
    work = current()
    if work is None or work.span is None or not work.span.is_recording():
        return
    from opentelemetry.trace import SpanKind, set_span_in_context

    ended = time.time_ns()
    cut = {
        key: value[:LONGEST_TEXT] if isinstance(value, str) else value for key, value in attributes.items()
    }
    span = _tracer().start_span(
        name, set_span_in_context(work.span), SpanKind[kind], cut, start_time=ended - int(seconds * 1e9)
    )
    span.end(ended)


def carrier() -> dict[str, str]:
    """The header that makes what we call part of our trace; nothing where there is none."""
    work = current()
    if work is None or work.span is None:
        return {}
    context = work.span.get_span_context()
    return {"traceparent": f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"}


def flush() -> None:
    """Send what has not been sent; for processes that end without ado."""
    if os.getpid() in _tracers:
        from opentelemetry.trace import get_tracer_provider

        get_tracer_provider().shutdown()  # type: ignore[attr-defined]


def _tracer() -> Any:
    if os.getpid() not in _tracers:
        _tracers.clear()
        _tracers[os.getpid()] = _made()
    return _tracers[os.getpid()]


def _made() -> Any:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from gitslice_core import __version__

    resource = Resource.create(
        {"service.name": f"gitslice-{settings.GITSLICE_ROLE}", "service.version": __version__}
    )
    exporter = OTLPSpanExporter(endpoint=f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces")
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    for name in ("opentelemetry", "urllib3"):  # a receiver that is away is no reason for many lines
        logging.getLogger(name).setLevel(logging.ERROR)
    return provider.get_tracer("gitslice")
