"""`gs global tag`."""

from __future__ import annotations

from gs.cli import command, paging
from gs.clicks import click
from gs.context import Context, global_path
from gs.output import emit, say
from gs.style import ago, clean, more, next_step, style, table


@command()
@click.argument("name", required=False)
@click.argument("commit", default="global")
@click.option("-m", "--message", default="", metavar="TEXT", help="What it is for.")
@click.option("--org", metavar="ORG", help="Organization (default: yours).")
@paging
def tag(
    ctx: Context, name: str | None, commit: str, message: str, org: str | None, limit: int, cursor: str | None
) -> None:
    """Name a global commit (default: the newest) for ever; without a name, list the tags."""
    path = f"{global_path(ctx.named_organization(org))}tags/"
    if name is None:
        emit(ctx.api().get(path, limit=limit, cursor=cursor), show_list)
    else:
        made = ctx.api().post(path, {"tag": name, "commit": commit, "message": message})
        emit(made, lambda data: show(data, f" --slice {org}/root" if org else ""))


def show(data: dict, where: str) -> None:
    say(f"{style(data['tag'], 'bold')} is g{data['number']} ({data['commit'][:12]})")
    next_step(f"gs export dir DIR --commit {clean(data['tag'])}{where}")


def show_list(data: dict) -> None:
    rows = [
        [style(row["tag"], "bold"), f"g{row['number']}", ago(row["time"]), row["author"], row["message"]]
        for row in data["items"]
    ]
    table(["tag", "commit", "made", "by", "message"], rows, empty="No tags yet: gs global tag NAME")
    more(data)
