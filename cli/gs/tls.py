"""Which servers `gs` talks to: over HTTPS those whose certificate holds, over plain HTTP this machine alone."""

from __future__ import annotations

from gs import config
from gs.errors import GsError

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    import ssl

YES = ("1", "true", "yes", "on")
EXPIRED, NOT_YET, WRONG_HOST, WRONG_ADDRESS = 10, 9, 62, 64  # OpenSSL's X509_V_ERR_...
UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)

_contexts: dict[str, ssl.SSLContext] = {}  # by CA file: reading the authorities takes some 20 ms


def context() -> ssl.SSLContext:
    """What checks certificates: against the file that `ca` names, else SSL_CERT_FILE, else the system's authorities."""
    authority = config.get("ca") or ""
    if authority not in _contexts:
        import ssl

        try:
            made = ssl.create_default_context(cafile=authority or None)
        except OSError as error:
            reason = "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
            hint = "name a file of certificates in PEM: gs config set ca FILE, or GITSLICE_CA_FILE"
            raise GsError("failed", f"the CA file {authority} cannot be used: {reason}", hint) from error
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        _contexts[authority] = made
    return _contexts[authority]


def require_private(endpoint: str, host: str) -> None:
    """Raises GsError for plain HTTP over a network: whoever listens there would have the token and the code."""
    if _is_loopback(host) or (config.get("allow_http") or "").lower() in YES:
        return
    raise GsError(
        "network",
        f"{endpoint} is plain HTTP: everybody on the way could read your token; nothing was sent",
        "use https://, or allow it where the network is private: gs config set allow_http 1, or GITSLICE_ALLOW_HTTP=1",
    )


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or (host.startswith("127.") and host.replace(".", "").isdigit())


def explained(endpoint: str, error: Exception) -> GsError | None:
    """What a failure of TLS means and what to do; None for other failures."""
    import sys

    ssl = sys.modules.get("ssl")  # without it no TLS can have failed
    if ssl is None or not isinstance(error, ssl.SSLError):
        return None
    code = getattr(error, "verify_code", None)
    if code in (EXPIRED, NOT_YET):
        when = "has expired" if code == EXPIRED else "is not valid yet"
        message, hint = (
            f"its certificate {when}",
            "its administrator must renew it; is this machine's clock right?",
        )
    elif code in (WRONG_HOST, WRONG_ADDRESS):
        message, hint = (
            "its certificate is for another name",
            "use the name that the certificate has as the endpoint",
        )
    elif code in UNKNOWN_AUTHORITY:
        message = "its certificate is by an authority that this machine does not know"
        hint = "if that is your company's: gs config set ca FILE, or GITSLICE_CA_FILE"
    elif code is not None:
        message, hint = f"its certificate does not hold ({error.verify_message})", "ask its administrator"  # type: ignore[attr-defined]
    elif getattr(error, "reason", None) == "WRONG_VERSION_NUMBER":
        message, hint = "it does not speak TLS at that port", "is the port right, and is it https://?"
    else:
        message, hint = f"TLS failed: {error.strerror or error}", "is a proxy between, or the port another's?"  # type: ignore[attr-defined]
    return GsError(
        "network", f"{endpoint} is not to be trusted: {message}" if code else f"{endpoint}: {message}", hint
    )
