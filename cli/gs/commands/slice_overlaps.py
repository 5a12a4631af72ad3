"""`gs slice overlaps`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.context import Context, slice_path
from gs.output import emit
from gs.style import style, table

SAMPLE = 3  # paths shown of each overlap


@command()
@click.argument("name", required=False)
def overlaps(ctx: Context, name: str | None) -> None:
    """Other slices that share paths with a slice (default: of this directory)."""
    emit(ctx.api().get(slice_path(*ctx.slice_or_current(name)) + "overlaps/"), show)


def show(data: dict) -> None:
    rows = [[style(item["slice"], "bold"), f"{item['path_count']:,}", sample(item)] for item in data["items"]]
    table(["slice", "paths", "such as"], rows, empty="No other slice shares a path.")


def sample(item: dict) -> str:
    shown = ", ".join(item["paths"][:SAMPLE])
    return shown + (", ..." if item["path_count"] > SAMPLE else "")
