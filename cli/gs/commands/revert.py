"""`gs revert` and `gs global revert`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.commands.show import slice_of
from gs.conflictview import print_conflicts
from gs.context import Context, global_path, slice_path
from gs.http import quote
from gs.output import emit, say
from gs.style import clean, next_step, op_mark, plural, style

SHOWN = 50


@command()
@click.argument("commit")
@click.option(
    "--slice",
    "slice_name",
    metavar="SLICE",
    help="Through which slice (default: this directory's, else root).",
)
@click.option("-m", "--title", default="", metavar="TEXT", help="Title of the changeset.")
def revert(ctx: Context, commit: str, slice_name: str | None, title: str) -> None:
    """A changeset that undoes a landed commit. History stays as it is."""
    address = slice_path(*slice_of(ctx, slice_name))
    emit(ctx.api().post(f"{address}commits/{quote(commit)}/revert/", {"title": title}), show)


@command("revert")
@click.argument("commit")
@click.option("--dry-run", is_flag=True, help="Only show what it would change.")
@click.option("--org", metavar="ORG", help="Organization (default: yours).")
def revert_global(ctx: Context, commit: str, dry_run: bool, org: str | None) -> None:
    """A changeset that undoes a whole global commit (administrators)."""
    path = f"{global_path(ctx.named_organization(org))}commits/{quote(commit)}/revert/"
    emit(ctx.api().post(path, {"dry_run": dry_run}), show)


def show(data: dict) -> None:
    files = plural(data["file_count"], "file")
    if data["changeset"] is None:
        say(f"It would change {files} back:")
    else:
        say(
            f"{style(data['changeset'], 'bold')} in {data['slice']} changes {files} back: {clean(data['title'])}"
        )
    for item in data["files"][:SHOWN]:
        say(f"  {op_mark(item['op'])} {clean(item['path'])}")
    if data["file_count"] > SHOWN:
        say(style(f"  and {data['file_count'] - SHOWN:,} more", "dim"))
    for path in data["merged_paths"]:
        say(style(f"  merges with what landed later: {clean(path)}", "dim"))
    if data["conflicts"]:
        print_conflicts(data["conflicts"])
    if data["changeset"] is None:
        next_step("the same without --dry-run makes the changeset")
    elif data["conflicts"]:
        next_step(f"gs conflict resolve --changeset {data['changeset']}")
    else:
        next_step(f"gs changeset merge {data['changeset']}")
