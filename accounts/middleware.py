from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from gitslice.common.audit import Origin, set_origin


class AuditOriginMiddleware:
    """Remembers the address a request comes from, for the audit trail. Forwarded headers are not believed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        set_origin(Origin(address=request.META.get("REMOTE_ADDR") or None))
        try:
            return self.get_response(request)
        finally:
            set_origin(Origin())
