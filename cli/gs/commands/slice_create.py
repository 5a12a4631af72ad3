"""`gs slice create`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.context import Context
from gs.errors import GsError
from gs.http import quote
from gs.output import emit, say
from gs.patterns import PATTERN_HELP, split
from gs.style import next_step, plural, style


@command()
@click.argument("name")
@click.option(
    "--files", "includes", multiple=True, metavar="PATTERN", help=f"Paths of the slice: {PATTERN_HELP}"
)
@click.option("--exclude", "excludes", multiple=True, metavar="PATTERN", help="Paths that are left out.")
@click.option("--description", default="", metavar="TEXT", help="What the slice is for.")
@click.option(
    "--owner", "owners", multiple=True, metavar="USER", help="Owner, or team:SLUG; repeatable. Default: you."
)
@click.option(
    "--visibility", type=click.Choice(["private", "organization", "public"]), help="Who may see it."
)
def create(
    ctx: Context,
    name: str,
    includes: tuple[str, ...],
    excludes: tuple[str, ...],
    description: str,
    owners: tuple[str, ...],
    visibility: str | None,
) -> None:
    """Make a slice of the tree: a named set of paths."""
    organization, slice_name = ctx.parse_slice(name)
    patterns = split(includes)
    if not patterns:
        raise GsError("usage", "a slice needs paths", f"gs slice create {name} --files 'dir/**'")
    body = {"name": slice_name, "includes": patterns, "excludes": split(excludes), "description": description}
    if owners:
        body["owners"] = split(owners)
    if visibility:
        body["visibility"] = visibility
    emit(ctx.api().post(f"slices/{quote(organization)}/", body), show)


def show(data: dict) -> None:
    say(f"Made slice {style(data['slice'], 'bold')} with {plural(data['file_count'], 'file')}.")
    next_step(f"gs init {data['slice']}")
