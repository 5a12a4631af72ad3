"""`gs global log`."""

from __future__ import annotations

from gs.cli import command, paging
from gs.clicks import click
from gs.context import Context, global_path
from gs.output import emit, say
from gs.style import ago, more, plural, short, style


@command()
@click.option("--org", metavar="ORG", help="Organization (default: yours).")
@click.option("--pending", is_flag=True, help="The landed commits that wait, in place of the history.")
@paging
def log(ctx: Context, org: str | None, pending: bool, limit: int, cursor: str | None) -> None:
    """History of the global state, newest first."""
    path = global_path(ctx.named_organization(org))
    if pending:
        emit(ctx.api().get(f"{path}pending/", limit=limit, cursor=cursor), show_pending)
        return
    emit(ctx.api().get(f"{path}commits/", limit=limit, cursor=cursor), show)


def show(data: dict) -> None:
    for row in data["items"]:
        tags = f" {style('(' + ', '.join(row['tags']) + ')', 'green')}" if row["tags"] else ""
        slices = ", ".join(row["slices"]) or "-"
        rest = f"({ago(row['time'])}, {plural(row['commits'], 'commit')} of {slices})"
        number = style(f"g{row['number']}", "yellow")
        say(f"{number} {short(row['commit'])}{tags} {style(rest, 'dim')}")
    if not data["items"]:
        say(style("Nothing was merged yet.", "dim"))
    more(data)


def show_pending(data: dict) -> None:
    show_landed(data["items"])
    if not data["items"]:
        say(style("Nothing waits.", "dim"))
    more(data)


def show_landed(commits: list[dict]) -> None:
    """A line for each landed commit of a batch."""
    for row in commits:
        rest = f"({row['author']}, {ago(row['time'])}, {row['slice'] or 'another slice'})"
        title = row["message"].split("\n", 1)[0]
        say(f"{style(short(row['commit']), 'yellow')} {style(title, None)} {style(rest, 'dim')}")
