"""`gs slice list`."""

from __future__ import annotations

from gs.cli import command, paging
from gs.clicks import click
from gs.context import Context
from gs.output import emit
from gs.style import Styled, more, short, style, table


@command("list")
@click.option("--mine", is_flag=True, help="Only slices I own or write to.")
@click.option("--search", metavar="TEXT", help="Only slices whose name or description has this text.")
@click.option("--org", metavar="ORG", help="Only slices of one organization.")
@click.option("--detailed", is_flag=True, help="Description, visibility and definition too.")
@paging
def list_slices(
    ctx: Context,
    mine: bool,
    search: str | None,
    org: str | None,
    detailed: bool,
    limit: int,
    cursor: str | None,
) -> None:
    """Slices you may see."""
    data = ctx.api().get("slices/", org=org, search=search, mine=mine, limit=limit, cursor=cursor)
    emit(data, show_detailed if detailed else show)


def show(data: dict) -> None:
    rows = [
        [name(item), short(item["head"]), f"{item['file_count']:,}", item["pending_changesets"] or "-"]
        for item in data["items"]
    ]
    table(
        ["slice", "head", "files", "pending"], rows, empty="No slices. gs slice create NAME --files 'dir/**'"
    )
    more(data)


def show_detailed(data: dict) -> None:
    rows = [
        [
            name(item),
            short(item["head"]),
            f"{item['file_count']:,}",
            item["pending_changesets"] or "-",
            item["visibility"],
            item["definition"]["version"] if item.get("definition") else "-",
            item["description"],
        ]
        for item in data["items"]
    ]
    table(
        ["slice", "head", "files", "pending", "visibility", "version", "description"],
        rows,
        empty="No slices.",
    )
    more(data)


def name(item: dict) -> Styled:
    return style(
        item["slice"] + (" (locked)" if item.get("locked") else ""),
        "yellow" if item.get("locked") else "bold",
    )
