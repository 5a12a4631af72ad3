"""Server-sent events, read until somebody stops; a lost connection is taken up where it was."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator

from gs.errors import GsError
from gs.http import Api, encode_query, quote
from gs.output import info

LONGEST_PAUSE = 30.0
GONE = ("network", "server_busy")


def events(api: Api, organization: str, **query: object) -> Iterator[dict | None]:
    """What happens in the organization from now on. None says that the connection stands, or stands again after a pause
    so long that the server has forgotten what came in between."""
    last: str | None = None
    pause = 1.0
    while True:
        try:
            headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
            address = f"events/{quote(organization)}/{encode_query(query)}"
            with api.stream("GET", address, headers=headers) as answer:
                for name, identity, data in _messages(answer):
                    pause = 1.0
                    last = identity or last
                    if name in ("", "reset"):
                        yield None
                    else:
                        yield json.loads(data)
        except GsError as error:
            if error.code not in GONE or (last is None and pause > 1.0):
                raise
            info(f"{error.message}; trying again in {pause:.0f} s")
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _messages(lines: Iterable[bytes]) -> Iterator[tuple[str, str, str]]:
    """(event, id, data) of each message; an empty event for the first sign of life."""
    fields: dict[str, str] = {}
    greeted = False
    for line in lines:
        text = line.decode().rstrip("\r\n")
        if not greeted and text.startswith(":"):
            greeted = True
            yield "", "", ""
        if text:
            name, _, value = text.partition(":")
            fields[name] = value.removeprefix(" ")
        else:
            if "data" in fields:
                yield fields.get("event", "message"), fields.get("id", ""), fields["data"]
            fields = {}
