"""`gs browse`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gs import config
from gs.browser import open_page
from gs.cli import command
from gs.clicks import click
from gs.context import Context
from gs.http import quote

if TYPE_CHECKING:
    pass


@command()
@click.argument("what", metavar="[CHANGESET or PATH]", required=False)
@click.option("--print", "only_print", is_flag=True, help="Print the address, open nothing.")
def browse(ctx: Context, what: str | None, only_print: bool) -> None:
    """Open a changeset, a file, or the slice of this directory in the browser."""
    open_page(config.endpoint() + page(ctx, what), only_print=only_print)


def page(ctx: Context, what: str | None) -> str:
    """The path of the page for `cl-7`, `org/cl-7`, a path of this directory's slice, or the slice itself."""
    if what and what.rpartition("/")[2].lower().startswith("cl-"):
        organization, number = ctx.parse_changeset(what)
        return f"/{quote(organization)}/changesets/{number}/"
    if not what and ctx.binding() is None:
        return "/"
    binding = ctx.require_binding()
    slice_page = f"/{quote(binding.org)}/slices/{quote(binding.slice)}/"
    return (
        slice_page if not what else f"{slice_page}tree/{'/'.join(map(quote, ctx.tree_path(what).split('/')))}"
    )
