"""`gs token`: API tokens of the signed-in user, and of service accounts that they administer."""

from __future__ import annotations

from collections.abc import Callable

from gs.cli import command
from gs.clicks import click
from gs.commands.auth import SCOPES
from gs.context import Context, service_account_path
from gs.output import emit, info, say
from gs.style import ago, style, table


def whose(function: Callable) -> Callable:
    """`--service-account`, for tokens that are not one's own."""
    return click.option(
        "--service-account", "account", metavar="NAME", help="Of this service account, not of yourself."
    )(function)


@command("list")
@whose
def list_tokens(ctx: Context, account: str | None) -> None:
    """Your API tokens, or those of a service account."""
    emit(ctx.api().get(tokens_path(ctx, account)), show)


@command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    help="What it may do; repeatable (default: all that you may).",
)
@click.option("--slice", "slices", metavar="SLICE", multiple=True, help="Limit it to this slice; repeatable.")
@click.option("--days", type=click.IntRange(1, 3650), help="Days until it expires (default: never).")
@whose
def create(
    ctx: Context,
    name: str,
    scopes: tuple[str, ...],
    slices: tuple[str, ...],
    days: int | None,
    account: str | None,
) -> None:
    """Make an API token; its secret is shown this once."""
    body: dict = {"name": name}
    if scopes:
        body["scopes"] = list(scopes)
    if slices:
        body["slices"] = ["/".join(ctx.parse_slice(text)) for text in slices]
    if days:
        body["expires_in_days"] = days
    emit(ctx.api().post(tokens_path(ctx, account), body), show_secret)


@command()
@click.argument("token_id", metavar="ID", type=int)
@whose
def revoke(ctx: Context, token_id: int, account: str | None) -> None:
    """Make a token useless at once."""
    ctx.api().delete(f"{tokens_path(ctx, account)}{token_id}/")
    emit({"id": token_id, "revoked": True}, lambda data: say(f"Revoked token {token_id}."))


def tokens_path(ctx: Context, account: str | None) -> str:
    return f"{service_account_path(*ctx.parse_service_account(account))}tokens/" if account else "tokens/"


def show(data: dict) -> None:
    rows = [
        [
            item["id"],
            style(item["name"], "bold"),
            item["hint"],
            " ".join(item["scopes"]),
            "all" if item["slices"] is None else " ".join(item["slices"]) or "-",
            ago(item["created_at"]),
            ago(item["last_used_at"]),
            item["expires_at"] or "never",
        ]
        for item in data["items"]
    ]
    headers = ["id", "name", "token", "scopes", "slices", "made", "used", "expires"]
    table(headers, rows, empty="No tokens.")


def show_secret(data: dict) -> None:
    info(f"Token {data['name']} (id {data['id']}); keep it now, it is not shown again:")
    say(data["secret"])
