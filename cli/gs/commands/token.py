"""`gs token`: API tokens of the signed-in user."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.context import Context
from gs.output import emit, info, say
from gs.style import ago, style, table


@command("list")
def list_tokens(ctx: Context) -> None:
    """Your API tokens."""
    emit(ctx.api().get("tokens/"), show)


@command()
@click.argument("name")
@click.option("--days", type=click.IntRange(1, 3650), help="Days until it expires (default: never).")
def create(ctx: Context, name: str, days: int | None) -> None:
    """Make an API token; its secret is shown this once."""
    body: dict = {"name": name}
    if days:
        body["expires_in_days"] = days
    emit(ctx.api().post("tokens/", body), show_secret)


@command()
@click.argument("token_id", metavar="ID", type=int)
def revoke(ctx: Context, token_id: int) -> None:
    """Make a token useless at once."""
    ctx.api().delete(f"tokens/{token_id}/")
    emit({"id": token_id, "revoked": True}, lambda data: say(f"Revoked token {token_id}."))


def show(data: dict) -> None:
    rows = [
        [
            item["id"],
            style(item["name"], "bold"),
            item["hint"],
            ago(item["created_at"]),
            ago(item["last_used_at"]),
            item["expires_at"] or "never",
        ]
        for item in data["items"]
    ]
    table(["id", "name", "token", "made", "used", "expires"], rows, empty="No tokens.")


def show_secret(data: dict) -> None:
    info(f"Token {data['name']} (id {data['id']}); keep it now, it is not shown again:")
    say(data["secret"])
