"""`gs team`: teams of an organization, nested once. Written ORG/TEAM, or TEAM."""

from __future__ import annotations

from gs.cli import command, paging
from gs.clicks import click
from gs.context import Context
from gs.errors import GsError
from gs.http import quote
from gs.output import emit, say
from gs.style import fields, more, next_step, style, table


@command("list")
@click.option("--org", metavar="ORG", help="Organization (default: yours).")
@paging
def list_teams(ctx: Context, org: str | None, limit: int, cursor: str | None) -> None:
    """Teams of an organization."""
    path = f"teams/{quote(org or ctx.organization())}/"
    emit(ctx.api().get(path, limit=limit, cursor=cursor), show_list)


@command()
@click.argument("team")
@paging
def show(ctx: Context, team: str, limit: int, cursor: str | None) -> None:
    """A team and its members, those of teams below it too."""
    path = team_path(ctx, team)
    data = ctx.api().get(path)
    members = ctx.api().get(path + "members/", limit=limit, cursor=cursor)
    emit(data | {"members": members["items"], "next_cursor": members["next_cursor"]}, show_members)


@command()
@click.argument("team")
@click.option("--name", default="", metavar="TEXT", help="The name that people read.")
@click.option("--parent", metavar="TEAM", help="The team above it, whose roles its members get too.")
@click.option("--member", "members", multiple=True, metavar="USER", help="Who is in it (repeatable).")
def create(ctx: Context, team: str, name: str, parent: str | None, members: tuple[str, ...]) -> None:
    """Make a team."""
    organization, slug = parse_team(ctx, team)
    body = {"team": slug, "name": name, "parent": parent, "members": list(members)}
    emit(ctx.api().post(f"teams/{quote(organization)}/", body), show_made)


@command()
@click.argument("team")
@click.option("--rename", "slug", metavar="TEAM", help="The name in addresses and in team:NAME.")
@click.option("--name", metavar="TEXT", help="The name that people read.")
@click.option("--parent", metavar="TEAM", help="The team above it; '' for none.")
def edit(ctx: Context, team: str, slug: str | None, name: str | None, parent: str | None) -> None:
    """Rename a team or put it below another."""
    body: dict = {}
    if slug is not None:
        body["team"] = slug
    if name is not None:
        body["name"] = name
    if parent is not None:
        body["parent"] = parent or None
    if not body:
        raise GsError("usage", "nothing to change", "gs team edit --help")
    emit(ctx.api().patch(team_path(ctx, team), body), show_team)


@command()
@click.argument("team")
def delete(ctx: Context, team: str) -> None:
    """Delete a team with its roles; teams below it stand alone."""
    ctx.api().delete(team_path(ctx, team))
    emit({"team": team, "deleted": True}, lambda data: say(f"Deleted {style(team, 'bold')}."))


@command()
@click.argument("team")
@click.argument("users", metavar="USER...", nargs=-1, required=True)
def add(ctx: Context, team: str, users: tuple[str, ...]) -> None:
    """Take members of the organization into a team."""
    path = team_path(ctx, team) + "members/"
    data = [ctx.api().post(path, {"user": user}) for user in users][-1]
    emit(data | {"added": list(users)}, show_team)


@command()
@click.argument("team")
@click.argument("users", metavar="USER...", nargs=-1, required=True)
def remove(ctx: Context, team: str, users: tuple[str, ...]) -> None:
    """Take people out of a team; they stay in the organization."""
    path = team_path(ctx, team)
    for user in users:
        ctx.api().delete(f"{path}members/{quote(user)}/")
    emit(ctx.api().get(path) | {"removed": list(users)}, show_team)


def parse_team(ctx: Context, text: str) -> tuple[str, str]:
    """`org/team` or `team` as (org, team). Raises GsError `usage`."""
    organization, separator, slug = text.removeprefix("team:").rpartition("/")
    if "/" in organization or not slug or (separator and not organization):
        raise GsError("usage", f"{text!r} is not the name of a team", "write it as ORG/TEAM")
    return organization or ctx.organization(), slug


def team_path(ctx: Context, text: str) -> str:
    """The address of a team in the API: `teams/acme/core/`."""
    organization, slug = parse_team(ctx, text)
    return f"teams/{quote(organization)}/{quote(slug)}/"


def show_list(data: dict) -> None:
    rows = [
        [style(item["team"], "bold"), item["parent"] or "-", item["member_count"], item["name"]]
        for item in data["items"]
    ]
    table(["team", "parent", "members", "name"], rows, empty="No teams yet: gs team create TEAM")
    more(data)


def show_team(data: dict) -> None:
    count = data["member_count"]
    say(f"{style(data['team'], 'bold')} has {count} member{'' if count == 1 else 's'}.")


def show_made(data: dict) -> None:
    show_team(data)
    next_step(f"gs slice role SLICE team:{data['team']} writer")


def show_members(data: dict) -> None:
    fields(
        [
            ("team", style(data["team"], "bold")),
            ("name", data["name"]),
            ("parent", data["parent"]),
            ("children", ", ".join(data["children"]) or None),
        ]
    )
    rows = [
        [
            style(item["user"], "bold" if item["active"] else "dim"),
            "-" if item["own"] else ", ".join(item["through"]),
            item["name"],
        ]
        for item in data["members"]
    ]
    table(["user", "through", "name"], rows, empty="Nobody is in it yet: gs team add TEAM USER")
    more(data)
