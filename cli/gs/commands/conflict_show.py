"""`gs conflict show`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.commands.conflict_list import scope
from gs.conflictview import by_severity, print_conflict
from gs.context import Context
from gs.errors import GsError
from gs.http import Api, quote
from gs.output import emit, say
from gs.style import next_step


@command()
@click.argument("conflict", metavar="PATH or ID")
@click.option("--slice", "slice_name", metavar="SLICE", help="Look among conflicts of this slice.")
@click.option("--changeset", metavar="ID", help="Look among conflicts of this changeset.")
def show(ctx: Context, conflict: str, slice_name: str | None, changeset: str | None) -> None:
    """One conflict: both sides, hunks, hint. A path means the gravest open conflict there."""
    organization, query = scope(ctx, slice_name, changeset)
    address = f"conflicts/{quote(organization)}/"
    if conflict.isascii() and conflict.isdigit():
        emit(ctx.api().get(f"{address}{conflict}/"), show_conflict)
        return
    found = at_path(ctx.api(), address, query, conflict) or at_path(
        ctx.api(), address, query, ctx.tree_path(conflict)
    )
    if not found:
        raise GsError("conflict_not_found", f"there is no open conflict at {conflict}", "gs conflict list")
    others = [item["id"] for item in found[1:]]
    emit({**found[0], "others": others}, show_conflict)


def at_path(api: Api, address: str, query: dict, path: str) -> list[dict]:
    """Open conflicts at a path, gravest first."""
    found, cursor = [], None
    while True:
        page = api.get(address, **query, state="open", path=path, limit=200, cursor=cursor)
        found += [item for item in page["items"] if item["path"] == path]
        cursor = page["next_cursor"]
        if not cursor:
            return by_severity(found)


def show_conflict(data: dict) -> None:
    print_conflict(data)
    if data.get("others"):
        say(f"More conflicts here: {', '.join(map(str, data['others']))}")
    next_step(f"gs conflict resolve {data['path']} --changeset {data['changeset']}")
