"""`gs root`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.commands.slice_status import merged
from gs.context import Context, slice_path
from gs.output import emit, say
from gs.style import fields, short, style


@command()
@click.option("--org", metavar="ORG", help="Organization (default: yours).")
def root(ctx: Context, org: str | None) -> None:
    """The root slice: its head and top folders."""
    path = slice_path(org or ctx.organization(), "root")
    api = ctx.api()
    detail = api.get(path)
    items = api.get(path + "tree/", path="")["items"] if detail["head"] else []
    standing = api.get(path + "status/")
    data = {
        "slice": detail["slice"],
        "commit": detail["head"],
        "file_count": detail["file_count"],
        "items": items,
        "ahead": standing["ahead"],
        "last_merged": standing["last_merged"],
        "folders": [item["name"] for item in items if item["kind"] == "folder"],
    }
    emit(data, show)


def show(data: dict) -> None:
    fields(
        [
            ("slice", style(data["slice"], "title")),
            ("head", short(data["commit"])),
            ("files", f"{data['file_count']:,}"),
            ("global", merged(data)),
        ]
    )
    for item in data["items"]:
        folder = item["kind"] == "folder"
        say("  " + style(item["name"] + ("/" if folder else ""), "blue" if folder else None))
