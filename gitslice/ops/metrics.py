"""`/metrics` for Prometheus: what all processes on this machine have counted."""

from __future__ import annotations

import os
from hmac import compare_digest

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

LOOPBACK = ("127.0.0.1", "::1")


def metrics(request: HttpRequest) -> HttpResponse:
    """For who has GITSLICE_METRICS_TOKEN; where none is set, for this machine alone. Others find nothing here."""
    if not _admitted(request):
        return HttpResponseNotFound()
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _admitted(request: HttpRequest) -> bool:
    if settings.GITSLICE_METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return compare_digest(given.encode(), settings.GITSLICE_METRICS_TOKEN.encode())
    forwarded = request.headers.get("X-Forwarded-For") or request.headers.get("Forwarded")
    return request.META.get("REMOTE_ADDR") in LOOPBACK and not forwarded
