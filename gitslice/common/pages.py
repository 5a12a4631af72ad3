"""What every page shares: the content security policy, failures as pages, fragments, and mutations from forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string

from gitslice.common.errors import DomainError, Internal, InvalidRequest, NotFound
from gitslice.common.problems import as_domain_error, problem_response, retry_headers
from gitslice.common.tags import sentence

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# The theme of the Django admin draws with style attributes, and evaluates expressions in its templates; only staff see it.
ADMIN_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'").replace(
    "script-src 'self'", "script-src 'self' 'unsafe-eval'"
)
ADMIN = "/admin/"
PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
)
API = "/api/"
PROGRAMS = (API, "/scim/")  # below these, nobody reads pages
# Swagger draws itself with style attributes; nothing but the description of the API is shown there.
DRAWN_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")


class PageMiddleware:
    """Gives every answer its policies, and shows domain errors of pages as pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        policy = ADMIN_POLICY if request.path.startswith(ADMIN) else POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("Cache-Control", "private")  # no proxy keeps it for somebody else
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        error = as_domain_error(exception)
        if error is None:
            return None
        if error.code == "unauthenticated":
            return redirect_to_login(request.get_full_path())
        return error_page(request, error)


def error_page(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The error as a page with its own HTTP status. One of a server that is busy names nobody: who is signed in is not
    to be had while the database is away, nor worth asking it for who asks too much."""
    shown = None if error.status in (429, 503) else request
    page = render(shown, "error.html", {"error": error, "status": error.status}, status=error.status)
    for name, value in retry_headers(error).items():
        page[name] = value
    return page


def refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    """What middleware answers: a problem document to programs, a page to people."""
    return problem_response(error) if request.path.startswith(PROGRAMS) else error_page(request, error)


# Django's own hooks read the form once more, for the sake of CSRF: they fail on those that cannot be read.
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's hook for addresses that are none: a problem document for programs, a page for people."""
    if request.path.startswith(PROGRAMS):
        return problem_response(NotFound("there is nothing at this address"))
    return render(request, "404.html", status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's hook for what it refuses to read."""
    return _unread(request, InvalidRequest())


def failed(request: HttpRequest) -> HttpResponse:
    """Django's hook for exceptions that nobody foresaw: the answer does not say which, nor asks the database."""
    return _unread(request, Internal())


def _unread(request: HttpRequest, error: DomainError) -> HttpResponse:
    if request.path.startswith(PROGRAMS):
        return problem_response(error)
    return HttpResponse(render_to_string(f"{error.status}.html"), status=error.status)


def is_fragment(request: HttpRequest) -> bool:
    """Does htmx ask for a part of the page?"""
    return request.headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in request.headers


def page_or_fragment(
    request: HttpRequest, template: str, fragment: str, context: dict[str, Any]
) -> HttpResponse:
    """The page, or only the fragment of it that htmx asks for."""
    response = render(request, fragment if is_fragment(request) else template, context)
    response["Vary"] = "HX-Request"
    return response


def performed(request: HttpRequest, back: str, mutation: Callable[[], str]) -> HttpResponse:
    """Run a mutation that a form asks for, then show the page `back` with what it says, or with why it was refused."""
    try:
        messages.success(request, mutation())
    except DomainError as error:
        if error.code == "unauthenticated":
            return redirect_to_login(urlsplit(back).path)
        messages.error(request, sentence(error))
    return HttpResponseRedirect(back)


def whole_number(text: str) -> int | None:
    """A number of a form's field; None for an empty one. Raises InvalidRequest."""
    if not text:
        return None
    if not text.isdecimal() or len(text) > 9:
        raise InvalidRequest(f"{text[:20]!r} is no number")
    return int(text)
