"""`gs conflict watch`."""

from __future__ import annotations

import json
import sys

from gs.cli import command
from gs.clicks import click
from gs.conflictview import other_side
from gs.context import Context
from gs.errors import GsError
from gs.http import Api, quote
from gs.output import info, say, wants_json
from gs.style import clean, state
from gs.watching import events


@command()
@click.option("--slice", "slice_name", metavar="SLICE", help="Only conflicts of this slice.")
@click.option(
    "--once", is_flag=True, help="Stop after the conflicts that are open now, or the first that comes."
)
def watch(ctx: Context, slice_name: str | None, once: bool) -> None:
    """Print conflicts as they appear and go: those open now, then every change, until Ctrl-C."""
    query = {}
    organization = ctx.organization() if not (slice_name or ctx.binding()) else None
    if organization is None:
        organization, name = ctx.slice_or_current(slice_name)
        query["slice"] = f"{organization}/{name}"
    api, watching = ctx.api(), ctx.api().clone()
    address = f"conflicts/{quote(organization)}/"
    heard = events(watching, organization, kinds="conflict", **query)
    next(heard)  # connected: nothing that happens from now on is missed
    known = everything(api, address, query)
    for conflict in known:
        tell("open", conflict)
    if once and known:
        return
    if not known:
        info("No conflicts yet; watching.")
    for event in heard:
        if event is None:
            continue
        try:
            tell(event["type"].partition(".")[2], api.get(f"{address}{event['conflict']}/"))
        except GsError as error:
            if error.code != "conflict_not_found":  # a side is no longer to be seen
                raise
            continue
        if once:
            return


def everything(api: Api, address: str, query: dict) -> list[dict]:
    found, cursor = [], None
    while True:
        page = api.get(address, **query, state="open", limit=200, cursor=cursor)
        found += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            return found


def tell(action: str, conflict: dict) -> None:
    """One line: a JSON document, or words."""
    if wants_json():
        sys.stdout.write(json.dumps({"event": action, **conflict}) + "\n")
    else:
        severity = state(conflict["severity"] or "hidden")
        other = other_side(conflict)
        say(
            f"{state(action)}  {severity}  {clean(conflict['path'])}  {conflict['changeset']} against {other}"
        )
    sys.stdout.flush()
