"""`gs changeset abandon`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.commands.changeset_merge import forget_changeset
from gs.context import Context, changeset_path
from gs.output import emit, say
from gs.style import state, style


@command()
@click.argument("changeset", metavar="[ID]", required=False)
@click.option("--reason", default="", metavar="TEXT", help="Why it is given up.")
def abandon(ctx: Context, changeset: str | None, reason: str) -> None:
    """Give up a changeset (default: the one of this directory)."""
    organization, number = ctx.parse_changeset(changeset)
    data = ctx.api().post(changeset_path(organization, number) + "abandon/", {"reason": reason})
    binding = ctx.binding()
    if binding and binding.org == organization:
        forget_changeset(binding, data["changeset"])
    emit(data, lambda _: say(f"{style(data['changeset'], 'bold')} is {state(data['state'])}."))
