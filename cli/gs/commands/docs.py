"""`gs docs`."""

from __future__ import annotations

from gs import config
from gs.browser import open_page
from gs.cli import command
from gs.clicks import click
from gs.context import Context


@command()
@click.option("--print", "only_print", is_flag=True, help="Print the address, open nothing.")
@click.option("--api", is_flag=True, help="The documentation of the REST API.")
def docs(ctx: Context, only_print: bool, api: bool) -> None:
    """Open the documentation that the server brings."""
    open_page(config.endpoint() + ("/api/v1/docs/" if api else "/docs/"), only_print=only_print)
