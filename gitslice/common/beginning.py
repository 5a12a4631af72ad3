"""A streamed answer that fails before its first byte is a problem document, as when the view itself fails.

The body of a stream is made when all views and middleware have returned; what fails there would be a bare 500 of the web
server. What fails after the first byte can only be cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from gitslice.common.problems import as_domain_error, problem_response

Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


def with_problems_at_beginning(application: Application) -> Application:
    """The WSGI application, with the first chunk of every stream made before its status is sent."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        begun: list[Any] = []
        body = application(environ, lambda *status_and_headers: begun.extend(status_and_headers))
        if not getattr(body, "streaming", False):
            start_response(*begun)
            return body
        chunks = iter(body)
        try:
            first = next(chunks, b"")
        except Exception as error:
            body.close()
            refusal = as_domain_error(error)
            if refusal is None:
                raise
            return _answer(problem_response(refusal), start_response)
        start_response(*begun)
        return _Begun(first, chunks, body)

    return answer


def _answer(response: HttpResponse, start_response: Callable[..., Any]) -> list[bytes]:
    headers = [*response.items(), ("Content-Length", str(len(response.content)))]
    start_response(f"{response.status_code} {response.reason_phrase}", headers)
    return [response.content]


class _Begun:
    """A stream whose first chunk was taken already."""

    def __init__(self, first: bytes, chunks: Iterator[bytes], body: HttpResponseBase) -> None:
        self._first, self._chunks, self._body = first, chunks, body

    def __iter__(self) -> Iterator[bytes]:
        if self._first:
            yield self._first
        yield from self._chunks

    def close(self) -> None:
        self._body.close()
