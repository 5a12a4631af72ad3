"""`/metrics` for Prometheus."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from prometheus_client import CONTENT_TYPE_LATEST

from gitslice.telemetry.exposition import admitted, exposition


def metrics(request: HttpRequest) -> HttpResponse:
    """For who has GITSLICE_METRICS_TOKEN; where none is set, for this machine alone. Others find nothing here."""
    forwarded = request.headers.get("X-Forwarded-For") or request.headers.get("Forwarded")
    authorization = request.headers.get("Authorization", "")
    if not admitted(request.META.get("REMOTE_ADDR", ""), authorization, forwarded=bool(forwarded)):
        return HttpResponseNotFound()
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
