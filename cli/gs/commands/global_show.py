"""`gs global show`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.commands.global_log import show_landed
from gs.context import Context, global_path
from gs.http import quote
from gs.output import emit
from gs.style import ago, fields, style


@command()
@click.argument("commit", default="global")
@click.option("--org", metavar="ORG", help="Organization (default: yours).")
def show(ctx: Context, commit: str, org: str | None) -> None:
    """A global commit (a tag, g12, or digits of its id; default: the newest) and what is in it."""
    emit(ctx.api().get(f"{global_path(ctx.named_organization(org))}commits/{quote(commit)}/"), render)


def render(data: dict) -> None:
    fields(
        [
            ("global", style(f"g{data['number']}", "title")),
            ("commit", data["commit"]),
            ("parent", data["parent"]),
            ("tree", data["tree"]),
            ("tags", ", ".join(data["tags"]) or None),
            ("time", f"{data['time']} ({ago(data['time'])})"),
            ("author", data["author"] or "the schedule"),
            ("commits", data["commits"]),
            ("files", data["files"]),
        ]
    )
    show_landed(data["merged"])
