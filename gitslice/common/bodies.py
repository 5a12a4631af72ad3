"""No endpoint takes a body of any size: what is announced to be larger than its view takes is refused unread.

Django reads no further than `Content-Length`, and nothing where there is none; the view for packs reads bodies that
come in chunks and counts them itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from gitslice.common.errors import PayloadTooLarge
from gitslice.common.pages import API, refusal


class BodyLimitMiddleware:
    """A view says what it takes by `max_body`, bytes or a setting that names them; else the API takes JSON, and pages
    take forms."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], options: dict[str, Any]
    ) -> HttpResponse | None:
        usual = "GITSLICE_MAX_JSON_BYTES" if request.path.startswith(API) else "GITSLICE_MAX_FORM_BYTES"
        taken = getattr(getattr(view, "cls", view), "max_body", usual)
        limit = getattr(settings, taken) if isinstance(taken, str) else taken
        announced = request.META.get("CONTENT_LENGTH") or "0"
        if not announced.isdecimal() or int(announced[:20]) <= limit:
            return None
        return refusal(request, PayloadTooLarge(f"the body is larger than {limit} bytes", limit=limit))
