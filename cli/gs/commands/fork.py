"""`gs fork`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.context import Context, slice_path
from gs.errors import GsError
from gs.output import emit, say
from gs.style import next_step, plural, style


@command()
@click.argument("new")
@click.argument("folder")
@click.option(
    "--from",
    "source",
    metavar="SLICE",
    help="Slice that has the folder (default: this directory's, or root).",
)
@click.option("--description", default="", metavar="TEXT", help="What the new slice is for.")
def fork(ctx: Context, new: str, folder: str, source: str | None, description: str) -> None:
    """Make the slice NEW from FOLDER of another slice."""
    organization, name = ctx.parse_slice(new)
    if source:
        source_org, source_name = ctx.parse_slice(source)
    else:
        binding = ctx.binding()
        source_org, source_name = (binding.org, binding.slice) if binding else (organization, "root")
    if source_org != organization:
        raise GsError(
            "usage", "both slices must be of the same organization", f"gs fork {source_org}/{name} {folder}"
        )
    body = {"name": name, "folder": folder.strip("/"), "description": description}
    emit(ctx.api().post(slice_path(source_org, source_name) + "fork/", body), show)


def show(data: dict) -> None:
    say(f"Made slice {style(data['slice'], 'bold')} with {plural(data['file_count'], 'file')}.")
    next_step(f"gs init {data['slice']}")
