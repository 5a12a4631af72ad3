from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from gitslice.common.addresses import client_address
from gitslice.common.audit import Origin, set_origin


class AuditOriginMiddleware:
    """Finds the address a request comes from, for the audit trail, for limits, and for all who ask for `REMOTE_ADDR`.

    `X-Forwarded-For` is believed only as far as the addresses in it are those of our own proxies.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        address = client_address(
            request.META.get("REMOTE_ADDR", ""),
            request.META.get("HTTP_X_FORWARDED_FOR", ""),
            settings.GITSLICE_TRUSTED_PROXIES,
        )
        request.META["REMOTE_ADDR"] = address or ""
        set_origin(Origin(address=address))
        try:
            return self.get_response(request)
        finally:
            set_origin(Origin())
