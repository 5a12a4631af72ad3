"""`gs org members`, `role`, `remove`, `deactivate`, `reactivate`: who belongs to an organization."""

from __future__ import annotations

from gs.cli import command, paging
from gs.clicks import click
from gs.context import Context
from gs.http import quote
from gs.output import emit, say
from gs.style import more, style, table

ORG_HELP = "Organization (default: yours)."


@command()
@click.option("--org", metavar="ORG", help=ORG_HELP)
@click.option("--search", metavar="TEXT", help="Only people whose user name or name has this text.")
@paging
def members(ctx: Context, org: str | None, search: str | None, limit: int, cursor: str | None) -> None:
    """People in an organization."""
    path = f"orgs/{quote(org or ctx.organization())}/members/"
    emit(ctx.api().get(path, search=search, limit=limit, cursor=cursor), show_list)


@command()
@click.argument("user")
@click.argument("new_role", metavar="ROLE", type=click.Choice(["owner", "admin", "member"]))
@click.option("--org", metavar="ORG", help=ORG_HELP)
def role(ctx: Context, user: str, new_role: str, org: str | None) -> None:
    """Make a member owner, admin or plain member."""
    emit(ctx.api().patch(_path(ctx, org, user), {"role": new_role}), show)


@command()
@click.argument("user")
@click.option("--org", metavar="ORG", help=ORG_HELP)
def remove(ctx: Context, user: str, org: str | None) -> None:
    """End a membership, with the teams and slice roles that hang on it; your own too."""
    ctx.api().delete(_path(ctx, org, user))
    emit({"user": user, "removed": True}, lambda data: say(f"{style(user, 'bold')} is no member any more."))


@command()
@click.argument("user")
@click.option("--org", metavar="ORG", help=ORG_HELP)
def deactivate(ctx: Context, user: str, org: str | None) -> None:
    """End all sessions and tokens of somebody who is in this organization alone."""
    emit(ctx.api().post(_path(ctx, org, user) + "deactivate/", {}), show)


@command()
@click.argument("user")
@click.option("--org", metavar="ORG", help=ORG_HELP)
def reactivate(ctx: Context, user: str, org: str | None) -> None:
    """Let somebody sign in again; sessions and tokens of before stay dead."""
    emit(ctx.api().post(_path(ctx, org, user) + "reactivate/", {}), show)


def _path(ctx: Context, org: str | None, user: str) -> str:
    return f"orgs/{quote(org or ctx.organization())}/members/{quote(user)}/"


def show(data: dict) -> None:
    state = "" if data["active"] else ", deactivated"
    say(f"{style(data['user'], 'bold')} is {data['role']}{state}.")


def show_list(data: dict) -> None:
    rows = [
        [
            style(item["user"], "bold" if item["active"] else "dim"),
            item["role"],
            "active" if item["active"] else "deactivated",
            item["name"],
        ]
        for item in data["items"]
    ]
    table(["user", "role", "state", "name"], rows, empty="Nobody matches.")
    more(data)
