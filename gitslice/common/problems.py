"""RFC 9457 problem documents, for domain errors and for what Django and DRF raise themselves."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.response import Response

from gitslice.common.errors import DomainError, Unauthenticated
from gitslice.common.rendering import ORJSONRenderer
from gitslice_core.errors import CODES

log = logging.getLogger(__name__)

TIMEOUTS = {"57014", "55P03"}  # query_canceled, lock_not_available
AWAY = (OperationalError, InterfaceError, PoolTimeout)
NO_CONNECTION = (
    "08",
    "57P",
    "53300",
)  # connections that break, servers that stop or start, or that have too many
NUL = "cannot contain NUL"  # which texts of PostgreSQL have no place for: psycopg says so, without a state
PROGRAM_LIMIT_EXCEEDED = "54000"  # an index row of PostgreSQL holds about 2,700 bytes after compression

DRF_CODES: dict[type[Exception], str] = {
    exceptions.NotAuthenticated: "unauthenticated",
    exceptions.AuthenticationFailed: "unauthenticated",
    exceptions.PermissionDenied: "permission_denied",
    DjangoPermissionDenied: "permission_denied",
    exceptions.NotFound: "not_found",
    Http404: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.Throttled: "rate_limited",
    exceptions.ValidationError: "invalid_request",
    exceptions.ParseError: "invalid_request",
}


def problem(error: DomainError) -> dict[str, Any]:
    """The problem document of a domain error."""
    title = CODES[error.code].title
    return {
        "type": f"about:blank#{error.code}",
        "title": title,
        "status": error.status,
        "detail": str(error),
        "code": error.code,
        "hint": error.hint,
        "details": error.details,
    }


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook: every failure of the API leaves as a problem document; unknown ones stay unhandled (500)."""
    domain_error = as_domain_error(error)
    if domain_error is None:
        return None
    headers = retry_headers(domain_error)
    if domain_error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    response = Response(problem(domain_error), status=domain_error.status, headers=headers)
    response.content_type = "application/problem+json"
    return response


def problem_response(error: DomainError) -> HttpResponse:
    """The same for plain Django views and middleware."""
    body = ORJSONRenderer().render(problem(error))
    headers = retry_headers(error)
    return HttpResponse(body, status=error.status, content_type="application/problem+json", headers=headers)


def retry_headers(error: DomainError) -> dict[str, str]:
    """When to try again, where that helps."""
    again = error.status in (429, 503)
    return {"Retry-After": str(error.details.get("retry_after", 1))} if again else {}


def as_domain_error(error: Exception) -> DomainError | None:
    if isinstance(error, DomainError):
        return error
    state = getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None)
    if state in TIMEOUTS:
        return _coded("server_busy", "the database took too long")
    if state == PROGRAM_LIMIT_EXCEEDED:
        return _coded("invalid_path", "a path is too long for the index")
    if isinstance(error, DataError) and NUL in str(error):
        return _coded("invalid_request", "a text has no NUL character")
    if isinstance(error, AWAY) and (state is None or state.startswith(NO_CONNECTION)):
        log.warning("the database does not answer", exc_info=error)
        return _coded("server_busy", "the database does not answer")
    for kind, code in DRF_CODES.items():
        if isinstance(error, kind):
            return _from_drf(error, code)
    return None


def _from_drf(error: Exception, code: str) -> DomainError:
    if isinstance(error, exceptions.ValidationError):
        return _coded(code, _first_message(error.detail), fields=_plain(error.detail))
    if isinstance(error, exceptions.Throttled):
        return _coded(code, str(error.detail), retry_after=int(getattr(error, "wait", None) or 1))
    if code == "unauthenticated":
        return Unauthenticated(str(error))
    return _coded(code, str(error) or CODES[code].title)


def _coded(code: str, message: str, **details: Any) -> DomainError:
    error = DomainError(message, **details)
    error.code = code  # type: ignore[misc]
    return error


def _plain(detail: Any) -> Any:
    """DRF's error details as JSON: those of a list are keyed by number."""
    if isinstance(detail, dict):
        return {str(key): _plain(value) for key, value in detail.items()}
    return [_plain(value) for value in detail] if isinstance(detail, list) else str(detail)


def _first_message(detail: Any, field: str = "") -> str:
    if isinstance(detail, dict):
        key, value = next(iter(detail.items()))
        return _first_message(value, "" if key == "non_field_errors" else str(key))
    if isinstance(detail, list):
        return _first_message(detail[0], field)
    return f"{field}: {detail}" if field else str(detail)
