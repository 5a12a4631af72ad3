"""`gs --version --server`: both versions."""

from __future__ import annotations

from gs import __version__, config
from gs.errors import GsError
from gs.output import emit, say
from gs.versions import warn_of


def run() -> int:
    from gs.http import Api

    address = config.endpoint()
    secret = config.token(address)
    if not secret:
        raise GsError("unauthenticated", f"you are not signed in to {address}", "gs auth login")
    server = (Api(address, secret).get("me/").get("server") or {}).get("version")
    data = {"gs": __version__, "server": server, "endpoint": address}
    emit(data, lambda _: say(f"gs {__version__}\nserver {server or 'unknown'} at {address}"))
    warn_of(server)
    return 0
