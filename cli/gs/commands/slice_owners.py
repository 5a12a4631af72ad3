"""`gs slice owners`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.context import Context, slice_path
from gs.output import emit
from gs.style import style, table


@command()
@click.argument("name", required=False)
def owners(ctx: Context, name: str | None) -> None:
    """People and teams with a role in a slice (default: of this directory)."""
    emit(ctx.api().get(slice_path(*ctx.slice_or_current(name)) + "owners/"), show)


def show(data: dict) -> None:
    rows = [[style(owner["name"], "bold"), owner["kind"], owner["role"]] for owner in data["owners"]]
    table(["name", "kind", "role"], rows, empty="Nobody but the organization's owners and admins.")
