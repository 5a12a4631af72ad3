"""`gs slice edit`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.context import Context, slice_path
from gs.errors import GsError
from gs.output import emit, say
from gs.patterns import PATTERN_HELP, split
from gs.style import plural, style


@command()
@click.argument("name")
@click.option(
    "--files", "includes", multiple=True, metavar="PATTERN", help=f"Replace all paths: {PATTERN_HELP}"
)
@click.option(
    "--exclude", "excludes", multiple=True, metavar="PATTERN", help="Replace all excludes; '' for none."
)
@click.option("--add", multiple=True, metavar="PATTERN", help="Cover these paths too.")
@click.option("--remove", multiple=True, metavar="PATTERN", help="Drop these patterns from the includes.")
@click.option("--description", metavar="TEXT", help="What the slice is for.")
@click.option(
    "--visibility", type=click.Choice(["private", "organization", "public"]), help="Who may see it."
)
@click.option(
    "--owner", "owners", multiple=True, metavar="USER", help="Replace all owners (USER or team:SLUG)."
)
@click.option(
    "--auto-merge", type=click.Choice(["clean", "off"]), help="Merge clean overlaps when landing, or never."
)
@click.option("--conflicts", type=click.Choice(["content", "file"]), help="What counts as a conflict.")
@click.option("--required-approvals", type=click.IntRange(min=0), help="Approvals needed to land.")
@click.option(
    "--overlap-approvals",
    type=click.Choice(["off", "owners"]),
    help="Whether owners of other slices that cover a touched path must approve (for admins to set).",
)
@click.option(
    "--required-check",
    "required_checks",
    multiple=True,
    metavar="NAME",
    help="Replace the checks that must succeed to land; '' for none.",
)
@click.option("--lock/--unlock", "locked", default=None, help="Refuse landings, or allow them again.")
def edit(
    ctx: Context,
    name: str,
    includes: tuple[str, ...],
    excludes: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    owners: tuple[str, ...],
    required_checks: tuple[str, ...],
    **settings: str | int | bool | None,
) -> None:
    """Change a slice's paths (a new definition version), policy, visibility or owners."""
    lists = {"includes": includes, "excludes": excludes, "add": add, "remove": remove, "owners": owners}
    body: dict = {key: split(values) for key, values in lists.items() if values}
    if required_checks:
        body["required_checks"] = [name for name in required_checks if name]
    body.update({key: value for key, value in settings.items() if value is not None})
    if not body:
        raise GsError("usage", "nothing to change", "gs slice edit --help")
    emit(ctx.api().patch(slice_path(*ctx.parse_slice(name)), body), show)


def show(data: dict) -> None:
    say(
        f"{style(data['slice'], 'bold')} is at definition version {data['definition']['version']}, "
        f"{plural(data['file_count'], 'file')}."
    )
