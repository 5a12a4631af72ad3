"""`gs changeset rebase`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gs.cli import command
from gs.clicks import click
from gs.commands.changeset_merge import show_conflicts
from gs.context import Context, changeset_path
from gs.errors import GsError
from gs.output import emit, info, say
from gs.style import clean, next_step, plural, short, style

if TYPE_CHECKING:
    from gs.workdir.binding import Binding


@command()
@click.argument("changeset", metavar="[ID]", required=False)
@click.option(
    "--auto-merge",
    is_flag=True,
    help="Merge overlapping files that merge cleanly (always done; for scripts).",
)
@click.option(
    "--markers", is_flag=True, help="On conflicts, write conflict markers into this directory's files."
)
def rebase(ctx: Context, changeset: str | None, auto_merge: bool, markers: bool) -> None:
    """Make a new patchset on the slice's head (default: of this directory's changeset)."""
    organization, number = ctx.parse_changeset(changeset)
    binding = ctx.require_binding() if markers else None
    try:
        data = ctx.api().post(changeset_path(organization, number) + "rebase/", {})
    except GsError as error:
        if error.code == "merge_conflict":
            show_conflicts(ctx, error)
            if binding:
                error.details["marked"] = write_markers(ctx, binding, organization, number, error)
        raise
    emit(data, show)


def write_markers(
    ctx: Context, binding: Binding, organization: str, number: int, error: GsError
) -> list[str]:
    """Merge the head into the conflicting files of this directory, with markers; the paths written."""
    from gs.manual import mark_file

    detail = ctx.api().get(changeset_path(organization, number))
    if detail["slice"] != f"{binding.org}/{binding.slice}":
        raise GsError(
            "other_slice", f"{detail['changeset']} is of {detail['slice']}, this directory is not"
        ) from error
    paths = [
        c["path"] for c in error.details.get("conflicts", []) if mark_file(ctx.api(), binding, detail, c)
    ]
    if paths:
        info(f"Markers are in {plural(len(paths), 'file')}: {clean(', '.join(paths))}")
        error.hint = f"edit them, then: gs conflict resolve --resolved --changeset {detail['changeset']}"
    return paths


def show(data: dict) -> None:
    say(f"{style(data['changeset'], 'bold')} is at patchset {data['patchset']}, on {short(data['base'])}.")
    for path in data.get("merged_paths") or ():
        say(f"  merged: {clean(path)}")
    next_step(f"gs changeset merge {data['changeset']}")
