"""Signing in by a browser, here or on another machine: the OAuth 2.0 device authorization grant (RFC 8628)."""

from __future__ import annotations

import sys
import time

from gs.browser import open_quietly
from gs.errors import GsError
from gs.http import Api
from gs.output import is_quiet, wants_json
from gs.style import clean, style

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Sequence

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
CLIENT = "gs"
FORM = "application/x-www-form-urlencoded"
SLOWER = 5  # seconds more between questions when the server says slow_down: RFC 8628, 3.5
LONGEST_PAUSE = 60  # seconds between questions while the server cannot be reached
ENDS = {
    "access_denied": ("the sign-in was denied in the browser", None),
    "expired_token": ("nobody allowed the sign-in in time", "gs auth login"),
}


def sign_in(api: Api, scopes: Sequence[str], *, browser: bool) -> str:
    """The secret of a new token, once somebody has allowed it in a browser. Raises GsError `unauthenticated` if they
    deny it or time runs out."""
    asked = ask(api, "oauth/device_authorization/", device_name=machine(), scope=" ".join(scopes))
    opened = browser and not wants_json() and open_quietly(asked["verification_uri_complete"])
    show(asked, opened)
    return wait_for_token(api, asked)


def wait_for_token(api: Api, asked: dict) -> str:
    """Ask as often as the server allows, until there is an answer."""
    ends, interval = time.monotonic() + asked["expires_in"], asked.get("interval", 5)
    pause = interval
    while time.monotonic() < ends:
        time.sleep(pause)
        try:
            answer = ask(api, "oauth/token/", grant_type=GRANT_TYPE, device_code=asked["device_code"])
        except GsError as error:
            reason = error.details.get("error")
            if error.code in ("network", "server_busy", "rate_limited"):
                pause = min(pause * 2, LONGEST_PAUSE)  # RFC 8628, 3.5: less and less often
            elif reason in ("authorization_pending", "slow_down"):
                interval += SLOWER if reason == "slow_down" else 0
                pause = interval
            elif reason in ENDS:
                raise GsError("unauthenticated", *ENDS[reason]) from error
            else:
                raise
        else:
            return answer["access_token"]
    raise GsError("unauthenticated", *ENDS["expired_token"])


def ask(api: Api, path: str, **fields: str) -> dict:
    from urllib.parse import urlencode

    form = {"client_id": CLIENT} | {name: value for name, value in fields.items() if value}
    return api.post(path, urlencode(form).encode(), FORM)


def show(asked: dict, opened: bool) -> None:
    """Where to go and what to type. On stderr, also with `--quiet` and `--json`: without it nobody can go on."""
    page, code = clean(asked["verification_uri"]), style(clean(asked["user_code"]), "bold")
    first = f"Your browser shows {page}" if opened else f"Open {page}"
    sys.stderr.write(f"{first}\nand enter the code {code}\n")
    if not is_quiet():
        sys.stderr.write("Waiting until you allow it (Ctrl-C to stop) ...\n")
    sys.stderr.flush()


def machine() -> str:
    import socket

    return socket.gethostname()[:100]
