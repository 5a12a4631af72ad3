"""`gs changeset list`."""

from __future__ import annotations

from gs.cli import command, paging
from gs.clicks import click
from gs.context import Context
from gs.output import emit
from gs.style import ago, more, state, style, table

STATUSES = ["open", "pending", "in_review", "approved", "merged", "rejected", "abandoned"]


@command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Only changesets in this state.")
@click.option("--author", metavar="USER", help="Only changesets by this user.")
@click.option("--mine", is_flag=True, help="Only mine.")
@click.option("--slice", "slice_name", metavar="SLICE", help="Only changesets of this slice.")
@click.option("--search", "text", metavar="TEXT", help="Only titles with this text.")
@click.option("--turn", is_flag=True, help="Only where it is my turn.")
@paging
def list_changesets(
    ctx: Context,
    status: str | None,
    author: str | None,
    mine: bool,
    slice_name: str | None,
    text: str | None,
    turn: bool,
    limit: int,
    cursor: str | None,
) -> None:
    """Changesets you may see, newest first."""
    slice_filter = "/".join(ctx.parse_slice(slice_name)) if slice_name else None
    query = {
        "status": status,
        "author": author,
        "mine": mine,
        "slice": slice_filter,
        "q": text,
        "attention": turn,
    }
    emit(ctx.api().get("changesets/", **query, limit=limit, cursor=cursor), show)


def show(data: dict) -> None:
    rows = [
        [
            style(item["changeset"], "bold"),
            state(item["state"]),
            item["slice"],
            item["author"],
            ", ".join(turn["user"] for turn in item.get("attention", [])) or "-",
            ago(item.get("updated_at")),
            item["title"],
        ]
        for item in data["items"]
    ]
    table(
        ["changeset", "state", "slice", "author", "turn of", "updated", "title"], rows, empty="No changesets."
    )
    more(data)
