"""Below `gs.http`: opening connections, and what may be tried again, and when."""

from __future__ import annotations

import os

from gs.errors import GsError

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from gs.connection import Connection

TIMEOUT = 300  # seconds without a byte before a connection counts as dead
CONNECT_TIMEOUT = 15  # seconds
LONGEST_WAIT = 30  # seconds, whatever Retry-After says


def open_connection(endpoint: str) -> Connection:
    """A connection to `endpoint`, whose certificate holds if it is https. Connects at once. Raises GsError for plain
    HTTP to other machines."""
    from urllib.parse import urlsplit

    from gs import tls
    from gs.connection import Connection

    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    context = None
    if parts.scheme == "https":
        context = tls.context()
    else:
        tls.require_private(endpoint, host)
    port = parts.port or (443 if context else 80)
    return Connection(host, port, tls=context, connect_timeout=CONNECT_TIMEOUT, timeout=TIMEOUT)


def replayable(body: object) -> bool:
    """Whether a body can be sent twice: iterators cannot."""
    return body is None or isinstance(body, (bytes, bytearray)) or hasattr(body, "seek")


def lost(error: OSError) -> bool:
    return isinstance(error, (ConnectionResetError, BrokenPipeError, ConnectionAbortedError))


def wait(retry_after: str | None, attempt: int) -> float:
    """Seconds to wait: what the server asks for, else 1, 2, 4; and up to half as much again, so that not all who were
    turned away at once come back at once."""
    try:
        asked = max(float(retry_after or ""), 0)
    except ValueError:
        asked = 2 ** (attempt - 1)
    return min(asked, LONGEST_WAIT) * (1 + os.urandom(1)[0] / 510)


def bare_problem(status: int, endpoint: str) -> GsError:
    """An error answer that is no problem document: a proxy, or another program on that port."""
    codes = {
        401: "unauthenticated",
        403: "permission_denied",
        404: "not_found",
        413: "payload_too_large",
        429: "rate_limited",
    }
    code = codes.get(status, "network" if status in (502, 503, 504) else "internal")
    return GsError(
        code, f"{endpoint} answered {status} without saying why", "is this the address of a GitSlice server?"
    )


def oauth_problem(document: object) -> GsError | None:
    """An error answer in the form of OAuth (RFC 6749, 5.2); `details.error` is its code."""
    if not isinstance(document, dict) or not isinstance(document.get("error"), str):
        return None
    message = document.get("error_description") or document["error"]
    return GsError("unauthenticated", str(message), details={"error": document["error"]})
