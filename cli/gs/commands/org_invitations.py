"""`gs org invite` and `gs org invitations`."""

from __future__ import annotations

from gs.cli import command, paging
from gs.clicks import click
from gs.context import Context
from gs.errors import GsError
from gs.http import quote
from gs.output import emit, say
from gs.style import ago, more, style, table


@command()
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice(["owner", "admin", "member"]),
    default="member",
    show_default=True,
    help="As what.",
)
@click.option("--org", metavar="ORG", help="Organization (default: yours).")
def invite(ctx: Context, email: str, role: str, org: str | None) -> None:
    """Mail a link with which somebody joins; it is good for 7 days."""
    emit(ctx.api().post(_path(ctx, org), {"email": email, "role": role}), show)


@command()
@click.option("--resend", metavar="ID", type=int, help="Mail a new link; the one before is dead.")
@click.option("--revoke", metavar="ID", type=int, help="Make the link useless.")
@click.option("--org", metavar="ORG", help="Organization (default: yours).")
@paging
def invitations(
    ctx: Context, resend: int | None, revoke: int | None, org: str | None, limit: int, cursor: str | None
) -> None:
    """Invitations that nobody has accepted yet: list, resend, revoke."""
    if resend and revoke:
        raise GsError("usage", "either --resend or --revoke", "gs org invitations --help")
    path = _path(ctx, org)
    if resend:
        emit(ctx.api().post(f"{path}{resend}/resend/", {}), show)
    elif revoke:
        ctx.api().delete(f"{path}{revoke}/")
        emit({"id": revoke, "revoked": True}, lambda data: say(f"Revoked invitation {revoke}."))
    else:
        emit(ctx.api().get(path, limit=limit, cursor=cursor), show_list)


def _path(ctx: Context, org: str | None) -> str:
    return f"orgs/{quote(org or ctx.organization())}/invitations/"


def show(data: dict) -> None:
    say(f"A link is on its way to {style(data['email'], 'bold')}, to join as {data['role']}.")


def show_list(data: dict) -> None:
    rows = [
        [
            item["id"],
            style(item["email"], "bold"),
            item["role"],
            item["state"],
            ago(item["created_at"]),
            item["invited_by"] or "-",
        ]
        for item in data["items"]
    ]
    table(["id", "address", "role", "state", "invited", "by"], rows, empty="No open invitations.")
    more(data)
