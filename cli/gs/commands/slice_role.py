"""`gs slice role`: what users and teams may do in a slice."""

from __future__ import annotations

from gs.cli import command, paging
from gs.clicks import click
from gs.context import Context, slice_path
from gs.errors import GsError
from gs.http import quote
from gs.output import emit, say
from gs.style import more, style, table


@command()
@click.argument("name", metavar="SLICE")
@click.argument("who", required=False)
@click.argument(
    "new_role",
    metavar="[ROLE]",
    required=False,
    type=click.Choice(["reader", "writer", "maintainer", "none"]),
)
@paging
def role(
    ctx: Context, name: str, who: str | None, new_role: str | None, limit: int, cursor: str | None
) -> None:
    """Give WHO (a user, or team:NAME) a role in a slice, or none; without WHO, list the roles."""
    path = slice_path(*ctx.parse_slice(name)) + "roles/"
    if who is None:
        emit(ctx.api().get(path, limit=limit, cursor=cursor), show_list)
    elif new_role is None:
        raise GsError("usage", f"which role for {who}?", "reader, writer, maintainer or none")
    elif new_role == "none":
        ctx.api().delete(f"{path}{quote(who)}/")
        emit({"name": who, "role": None}, lambda data: say(f"{style(who, 'bold')} has no role any more."))
    else:
        emit(ctx.api().post(path, {"name": who, "role": new_role}), show)


def show(data: dict) -> None:
    say(f"{style(data['name'], 'bold')} is {data['role']}.")


def show_list(data: dict) -> None:
    rows = [
        [
            style(item["name"], "bold" if item["active"] else "dim"),
            item["role"],
            "" if item["active"] else "deactivated, without effect",
        ]
        for item in data["items"]
    ]
    table(["name", "role", ""], rows, empty="Nobody but the organization's owners and admins.")
    more(data)
